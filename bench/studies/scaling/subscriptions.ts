/** What do 200,000 room subscriptions of 20 gateways cost Redis in time, CPU and memory, to subscribe and to leave? */
import type { Redis } from 'ioredis';
import type { RedisConnection } from '../../../src/adapters/redis/connections.ts';
import type { Audience } from '../../../src/contract/audience.ts';
import { until } from '../../../test/support/until.ts';
import { decimal, median } from '../../support/figures.ts';
import { inHand } from '../../support/load.ts';
import { sized } from '../support/size.ts';
import { channelFor, openSubscriber } from './connections.ts';
import { infoNumber, redisCostOf } from './redis-cost.ts';
import { type Section, spread } from './section.ts';

const NODES = sized(20, 4);
const ROOMS_PER_NODE = sized(10_000, 100);
const SUBSCRIPTIONS = NODES * ROOMS_PER_NODE;
/** For subscribing one at a time, which takes long. */
const FEWER_ROOMS = sized(2_000, 50);
const ROUNDS = sized(3, 1);
const BATCH = sized(500, 50);
const SETTLE_TIMEOUT_MS = 20_000;

type Subscribe = (subscriber: RedisConnection, channels: readonly string[]) => Promise<unknown>;

/** Like the adapter when many sockets connect at once: one call per room, without waiting for answers. */
export const oneCallPerRoom: Subscribe = (subscriber, channels) =>
  Promise.all(channels.map((channel) => subscriber.ssubscribe(channel)));

/** Like sockets that connect one by one. */
const oneAtATime: Subscribe = (subscriber, channels) =>
  inHand(1, channels.length, (at) => subscriber.ssubscribe(channels[at] ?? ''));

const batched: Subscribe = async (subscriber, channels) => {
  for (let i = 0; i < channels.length; i += BATCH)
    await subscriber.ssubscribe(...channels.slice(i, i + BATCH));
};

export const ownRooms = (node: number, count: number) =>
  Array.from({ length: count }, (_, i) => userChannel(node * ROOMS_PER_NODE + i));
const sharedRooms = (_node: number, count: number) => ownRooms(0, count);

function userChannel(at: number): string {
  const audience: Audience = `user:${1_000_000 + at}`;
  return channelFor(audience);
}

interface Round {
  readonly elapsedMs: number;
  readonly cpuMicros: number;
  readonly leaveMicros: number;
  readonly bytes: number;
}

export async function subscriptions(url: string, observer: Redis): Promise<Section> {
  const round = async (roomsOf: typeof ownRooms, subscribe: Subscribe, count: number): Promise<Round> => {
    const nodes = await Promise.all(Array.from({ length: NODES }, () => openSubscriber(url)));
    const rooms = nodes.map((_, node) => roomsOf(node, count));
    const usedBytes = () => infoNumber(observer, 'memory', 'used_memory');
    const before = await usedBytes();
    const { elapsedMs, cpuMicros } = await redisCostOf(observer, () =>
      Promise.all(nodes.map((node, i) => subscribe(node, rooms[i] ?? []))),
    );
    const bytes = (await usedBytes()) - before;
    const left = await redisCostOf(observer, async () => {
      for (const node of nodes) node.disconnect();
      await until('all connections but the observer to end', SETTLE_TIMEOUT_MS, async () => {
        return (await infoNumber(observer, 'clients', 'connected_clients')) === 1;
      });
    });
    return { elapsedMs, cpuMicros, leaveMicros: left.cpuMicros, bytes };
  };
  const row = async (
    what: string,
    roomsOf: typeof ownRooms,
    subscribe: Subscribe,
    count = ROOMS_PER_NODE,
  ) => {
    const rounds: Round[] = [];
    for (let i = 0; i < ROUNDS; i += 1) rounds.push(await round(roomsOf, subscribe, count));
    const each = (figure: keyof Round) => rounds.map((one) => one[figure] / (NODES * count));
    return [
      what,
      decimal(median(rounds.map((one) => one.elapsedMs)) / 1_000),
      spread(each('cpuMicros')),
      decimal(median(each('bytes'))),
      decimal(median(each('leaveMicros'))),
    ];
  };
  return {
    title: `${decimal(SUBSCRIPTIONS)} subscriptions: ${NODES} connections with ${decimal(ROOMS_PER_NODE)} rooms each`,
    note: `Channels are ${userChannel(0).length} bytes long (\`${userChannel(0)}\`). Seconds until all are in force depend on the one core of the subscribers; the rest are Redis' own counters, each divided by the subscriptions: medians of ${ROUNDS} rounds, of CPU with the lowest and the highest.`,
    columns: [
      'how',
      's until all are in force',
      'CPU-µs of Redis a subscription',
      'bytes of Redis a subscription',
      'CPU-µs of Redis to leave, when the connection ends',
    ],
    rows: [
      await row('own rooms, one call each, all sent at once', ownRooms, oneCallPerRoom),
      await row(
        `own rooms, one call each, one after the other (${decimal(FEWER_ROOMS)} on each connection)`,
        ownRooms,
        oneAtATime,
        FEWER_ROOMS,
      ),
      await row(`own rooms, ${BATCH} in a call`, ownRooms, batched),
      await row('the same rooms on all connections, one call each', sharedRooms, oneCallPerRoom),
    ],
  };
}
