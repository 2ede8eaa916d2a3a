/** What does SPUBLISH cost Redis, by the number of gateways that host the room, with 200,000 rooms subscribed? */
import type { Redis } from 'ioredis';
import type { RedisConnection } from '../../../src/adapters/redis/connections.ts';
import { encodeLiveMessage } from '../../../src/pipeline/inbox/live-message.ts';
import { until } from '../../../test/support/until.ts';
import { decimal, median } from '../../support/figures.ts';
import { inHand } from '../../support/load.ts';
import { madeEntry } from '../support/entries.ts';
import { sized } from '../support/size.ts';
import { channelFor, openCommands, openSubscriber } from './connections.ts';
import { microsPerCall, redisCostOf } from './redis-cost.ts';
import { type Section, spread } from './section.ts';
import { oneCallPerRoom, ownRooms } from './subscriptions.ts';

const NODES = sized(20, 4);
const ROOMS_PER_NODE = sized(10_000, 100);
const HOSTS = sized([0, 1, 5, 20], [0, 1, 4]);
const PUBLISHES = sized(2_000, 50);
const ROUNDS = sized(5, 1);
const IN_HAND = sized(100, 10);
const ARRIVAL_TIMEOUT_MS = 20_000;

export async function publish(url: string, observer: Redis): Promise<Section> {
  const nodes = await Promise.all(Array.from({ length: NODES }, () => openSubscriber(url)));
  let arrived = 0;
  for (const [at, node] of nodes.entries()) {
    node.on('smessageBuffer', () => {
      arrived += 1;
    });
    const shared = HOSTS.filter((hosts) => at < hosts).map(departmentOf);
    const own = ownRooms(at, ROOMS_PER_NODE - shared.length);
    await oneCallPerRoom(node, [...own, ...shared]);
  }
  const publisher = await openCommands(url);
  const cost = async (hosts: number, atOnce: number) => {
    const { cpuMicros } = await redisCostOf(observer, async () => {
      const expected = arrived + hosts * PUBLISHES;
      await inHand(atOnce, PUBLISHES, () => publishTo(publisher, hosts));
      await until('all messages to arrive', ARRIVAL_TIMEOUT_MS, () => arrived === expected);
    });
    return cpuMicros / PUBLISHES;
  };
  const found = HOSTS.map((hosts) => emptyRounds(hosts));
  // In turns, so that other load on the machine affects all alike.
  for (let i = 0; i < ROUNDS; i += 1) {
    for (const { hosts, alone, many, inside } of found) {
      await observer.config('RESETSTAT');
      alone.push(await cost(hosts, 1));
      many.push(await cost(hosts, IN_HAND));
      inside.push(await microsPerCall(observer, 'spublish'));
    }
  }
  for (const connection of [...nodes, publisher]) connection.disconnect();
  return {
    title: 'SPUBLISH by the number of hosting gateways',
    note: `A notification of 512 bytes; CPU-µs of Redis a publish, writing to the subscribers included; medians of ${ROUNDS} rounds of ${decimal(PUBLISHES)}, with the lowest and the highest. The last column is the difference to no gateway at all, and with few gateways smaller than the noise. The append script's SPUBLISH saves the round trip of its own that these have.`,
    columns: [
      'gateways that host the room',
      'one at a time',
      `${IN_HAND} in hand`,
      'inside the command',
      'each gateway, one at a time',
    ],
    rows: found.map(({ hosts, alone, many, inside }) => [
      String(hosts),
      spread(alone),
      spread(many),
      decimal(median(inside)),
      hosts === 0 ? '' : decimal((median(alone) - median(found[0]?.alone ?? [])) / hosts),
    ]),
  };
}

interface Rounds {
  readonly hosts: number;
  readonly alone: number[];
  readonly many: number[];
  readonly inside: number[];
}

function emptyRounds(hosts: number): Rounds {
  return { hosts, alone: [], many: [], inside: [] };
}

const departmentOf = (hosts: number) => channelFor(`department:hosted-by-${hosts}`);

const MESSAGE = (() => {
  const { head, tail } = madeEntry('department:hosted-by-20').text;
  const json = `${head}00000000","offset":1${tail}`;
  return encodeLiveMessage({ epoch: '00000000', offset: 1, sampled: false, json });
})();

async function publishTo(publisher: RedisConnection, hosts: number): Promise<void> {
  const reached = await publisher.spublish(departmentOf(hosts), MESSAGE);
  if (reached !== hosts) throw new Error(`${reached} subscribers instead of ${hosts}`);
}
