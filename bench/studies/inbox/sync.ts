/** What does a `sync` that finds nothing new cost the gateway? Also shows that it costs Redis nothing. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { connectForSubscriptions } from '../../../src/adapters/redis/connections.ts';
import { ClientAddresses } from '../../../src/edge/connections/client-addresses.ts';
import { ConnectionLimits } from '../../../src/edge/gateway/connection-limits.ts';
import { Gateway } from '../../../src/edge/gateway/gateway.ts';
import { RedisLive } from '../../../src/edge/gateway/redis-live-messages.ts';
import { createVerify, signToken } from '../../../src/operate/access/tokens.ts';
import { decimal, median } from '../../support/figures.ts';
import { type Cost, costOf } from '../../support/load.ts';
import { fill } from '../support/entries.ts';
import { sized } from '../support/size.ts';
import { callsBetween, useOf } from '../support/traffic.ts';
import { atMost, type Fact, report } from './facts.ts';
import { address, audiencesOf, log, openStore } from './store.ts';

const USERS = ['1', '2', '3', '4'];
const SECRET = 'a-secret-for-benchmarks-of-more-than-32-characters';
const SYNCS = sized(10_000, 80);
const ROUNDS = sized(7, 1);
const MAX_CPU_MICROS = 50;
const IN_HAND = 32;
const BEHIND = 10;

const { redis, observer, inbox, userInbox } = await openStore();
for (const user of USERS) await fill(inbox, audiencesOf(user), 10);
const httpServer = createServer();
new Gateway(httpServer, {
  store: { live: new RedisLive(redis, connectForSubscriptions(address, log), log), inbox, userInbox },
  access: {
    verify: createVerify({
      keys: { secrets: [{ secret: SECRET }] },
      issuer: undefined,
      audience: undefined,
      clockSkewSeconds: 5,
    }),
    isRevoked: () => false,
    departments: { of: async () => undefined },
    allowedOrigins: [],
    addresses: new ClientAddresses([]),
    onRefused: () => {},
  },
  // One client makes the whole load. The gateway must not refuse any of it.
  limits: {
    connections: new ConnectionLimits({ perNode: 100_000, perAddress: 100_000, perUser: 100_000 }),
    requests: {
      begin: async () => ({ ok: true, meter: { spend: () => {} }, end: () => {} }),
    },
    events: { spent: async () => undefined, take: async () => undefined },
    messages: { perSecond: 1_000_000, burst: 1_000_000 },
    maxMessageBytes: 65_536,
    maxEventBytes: 65_536,
    maxTopics: 100,
    maxRecovered: 300,
    maxPendingBytes: 1_048_576,
    maxPendingTotalBytes: 268_435_456,
    otherWaiters: () => [],
    maxAnswerBytes: 524_288,
  },
  publish: async () => {},
  handshakeMs: 5_000,
  // No periodic check, so that Redis counts only the commands of the requests.
  checkMs: Number.POSITIVE_INFINITY,
  compression: { thresholdBytes: 512, level: 3 },
  serveClient: false,
  sessions: [],
  deliveries: [],
  log,
  now: Date.now,
});
httpServer.listen(0, '127.0.0.1');
await once(httpServer, 'listening');
const bound = httpServer.address();
const port = typeof bound === 'object' ? bound?.port : undefined;

const claims = { departments: ['sales', 'support', 'north'] };
const tokens = await Promise.all(USERS.map((sub) => signToken({ secret: SECRET }, { sub, ...claims }, 600)));
const load = startLoad([`http://127.0.0.1:${port}`, ...tokens]);
await once(load, 'message');

/** Starts the load on the core that this process does not use. */
function startLoad(args: readonly string[]) {
  const path = new URL('sync-load.js', import.meta.url).pathname;
  const core = process.env.LOAD_CORE;
  const how =
    core === undefined ? { execArgv: [] } : { execPath: 'taskset', execArgv: ['-c', core, process.execPath] };
  return fork(path, args, how);
}

interface Requests {
  readonly request: 'sync' | 'ping';
  readonly audiences: number;
  readonly behind: number;
  readonly atOnce: number;
}

async function measure(requests: Requests) {
  const round = async () => {
    load.send({ ...requests, count: SYNCS });
    await once(load, 'message');
  };
  await round();
  const before = await useOf(observer);
  const costs: Cost[] = [];
  for (let i = 0; i < ROUNDS; i += 1) costs.push(await costOf(round));
  const commands = callsBetween(before, await useOf(observer));
  const elapsedMs = costs.reduce((sum, cost) => sum + cost.elapsedMs, 0);
  return { micros: median(costs.map(({ cpuMicros }) => cpuMicros / SYNCS)), commands, elapsedMs };
}

const sync = { request: 'sync', audiences: 5, behind: 0, atOnce: IN_HAND } as const;
const five = await measure(sync);
const beforeIdle = await useOf(observer);
await pause(five.elapsedMs);
const idle = callsBetween(beforeIdle, await useOf(observer));
const one = await measure({ ...sync, audiences: 1 });
const unhurried = await measure({ ...sync, atOnce: 1 });
const behind = await measure({ ...sync, audiences: 1, behind: BEHIND });
const ping = await measure({ ...sync, request: 'ping' });
load.kill();

function cpu(what: string, { micros }: { readonly micros: number }, hasTarget: boolean): Fact {
  const target = hasTarget ? { target: atMost(MAX_CPU_MICROS, 'µs', micros) } : {};
  return { what: `${what}: CPU of the gateway`, measured: `${decimal(micros)} µs`, ...target };
}

const caused = five.commands - idle;
const commandsEach = decimal((behind.commands - idle) / ROUNDS / SYNCS);
report([
  {
    what: '`sync` of 5 audiences that finds nothing new: Redis commands',
    measured: `${caused} by ${decimal(ROUNDS * SYNCS)} syncs`,
    target: { text: '0', met: caused === 0 },
  },
  cpu(
    `\`sync\` of 5 audiences that finds nothing new, ${IN_HAND} under way on each of 4 sockets`,
    five,
    true,
  ),
  cpu('the same with 1 under way on each socket', unhurried, false),
  cpu('`sync` of 1 audience that finds nothing new', one, true),
  cpu(`\`sync\` of 1 audience that brings ${BEHIND} (${commandsEach} Redis command)`, behind, false),
  cpu('for comparison, `ping`', ping, false),
]);
