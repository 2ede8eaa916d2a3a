/** What limits over all processes count in Redis, on one server and on a Cluster. */
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectForCommands, type RedisConnection } from '../../src/adapters/redis/connections.ts';
import { publishedKeyOf, sessionsKeyOf } from '../../src/adapters/redis/keys.ts';
import { SharedWindow } from '../../src/adapters/redis/shared-window.ts';
import type { PresentSession } from '../../src/contract/presence.ts';
import { RedisPresence } from '../../src/operate/presence/redis-presence.ts';
import { RedisSessionPlaces } from '../../src/operate/presence/redis-session-places.ts';
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts';
import { type RedisNode, startRedisNode, stopped } from '../support/redis-node.ts';
import { until } from '../support/until.ts';

const log = pino({ level: 'silent' });
const MOST = 3;
const NEVER_MS = 3_600_000;

/** On all three nodes of a Cluster. */
const USERS = Array.from({ length: 30 }, (_, i) => `user-${i}`);

let node: RedisNode;
let cluster: RedisCluster;
const connections: Record<string, RedisConnection> = {};

beforeAll(async () => {
  [node, cluster] = await Promise.all([startRedisNode(), startRedisCluster()]);
  connections.server = connectForCommands({ kind: 'standalone', url: `redis://127.0.0.1:${node.port}` }, log);
  connections.Cluster = connectForCommands({ kind: 'cluster', urls: cluster.url.split(',') }, log);
  for (const redis of Object.values(connections)) {
    await until('a connection', 20_000, () => redis.status === 'ready');
  }
});
afterAll(async () => {
  for (const redis of Object.values(connections)) redis.disconnect();
  await stopped(node);
  await cluster.stop();
});

function connectionTo(kind: string): RedisConnection {
  const redis = connections[kind];
  if (redis === undefined) throw new Error(`no connection to a ${kind}`);
  return redis;
}

const session = (name: string, node: string): PresentSession => ({
  session: name,
  node,
  address: '192.0.2.1',
  transport: 'websocket',
  connectedAt: new Date().toISOString(),
  audiences: {},
});

let sessions = 0;
const newSession = () => `s${++sessions}`;

/** Two gateways on one Redis. */
function openPlaces(redis: RedisConnection, { leaseMs = NEVER_MS, deadAfterMs = NEVER_MS } = {}) {
  const presence = new RedisPresence({ redis, deadAfterMs });
  const seen: string[] = [];
  let nowMs = 0;
  const open = () =>
    new RedisSessionPlaces({
      redis,
      most: MOST,
      leaseMs,
      dropDead: (user) => presence.of(user),
      now: () => nowMs,
      onRefused: () => seen.push('refused'),
      onAlone: () => seen.push('alone'),
      onCounted: () => {},
      onFault: (error) => seen.push(`fault: ${error}`),
    });
  return {
    presence,
    seen,
    gateways: [open(), open()] as const,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** Of a node that was never heard of, a session's beginning is the last that is known. */
const untilDead = (ghosts: readonly PresentSession[]) =>
  until('the end of their node', 20_000, () =>
    ghosts.every(({ connectedAt }) => Date.now() - Date.parse(connectedAt) > 100),
  );

const letIn = (answers: readonly boolean[]) => answers.filter((isLetIn) => isLetIn).length;

describe.for(['server', 'Cluster'])('%s: points in a window', (kind) => {
  test('are counted over all processes, and the first begins the window', async () => {
    const redis = connectionTo(kind);
    const open = () => new SharedWindow(redis, publishedKeyOf);
    const [one, other] = [open(), open()];
    const taken = await Promise.all(
      USERS.map(async (user) => [await one.take(user, 5, 3_600), await other.take(user, 7, 1)] as const),
    );
    for (const [first, second] of taken) {
      expect([first.before, second.before]).toEqual([0, 5]);
      for (const { remainingMs } of [first, second]) {
        expect(remainingMs).toBeGreaterThan(3_000_000);
        expect(remainingMs).toBeLessThanOrEqual(3_600_000);
      }
    }
    await Promise.all(USERS.map((user) => redis.pexpire(publishedKeyOf(user), 1)));
    await until('the end of the window', 20_000, async () => (await one.take('user-0', 1, 1)).before === 0);
  });
});

describe.for(['server', 'Cluster'])('%s: sessions', (kind) => {
  test('of one user that begin at once at two gateways are exactly as many as may be', async () => {
    const { gateways, seen } = openPlaces(connectionTo(kind));
    const answers = await Promise.all(
      USERS.map((user) =>
        Promise.all(
          Array.from({ length: 8 }, (_, i) => gateways[i % 2 === 0 ? 0 : 1].begin(user, newSession())),
        ),
      ),
    );
    expect(answers.map(letIn)).toEqual(USERS.map(() => MOST));
    expect(seen).toEqual(USERS.flatMap(() => Array(8 - MOST).fill('refused')));
  });

  test('count once that have begun, and give their place back when they end', async () => {
    const redis = connectionTo(kind);
    const { gateways, presence } = openPlaces(redis);
    const [one, other] = gateways;
    const names = [newSession(), newSession(), newSession()];
    for (const name of names) expect(await one.begin('ada', name)).toBe(true);
    await presence.beat('node-1', { isAll: true, occupied: new Map() });
    await presence.write(names.map((name) => ({ user: 'ada', present: session(name, 'node-1') })));
    expect(await other.begin('ada', newSession())).toBe(false);
    const [gone = ''] = names;
    const { address: _, transport: _t, ...rest } = session(gone, 'node-1');
    await presence.write([{ user: 'ada', gone: { ...rest, disconnectedAt: new Date().toISOString() } }]);
    one.end('ada', gone);
    expect(await other.begin('ada', newSession())).toBe(true);
    expect(await one.begin('ada', newSession())).toBe(false);
  });

  test('that never begin lose their place by themselves, or when they are given up', async () => {
    const { gateways } = openPlaces(connectionTo(kind), { leaseMs: 200 });
    const [one, other] = gateways;
    const four = await Promise.all(Array.from({ length: 4 }, () => one.begin('eve', newSession())));
    expect(letIn(four)).toBe(MOST);
    await expect.poll(() => other.begin('eve', newSession())).toBe(true);
    const { gateways: patient } = openPlaces(connectionTo(kind));
    const names = [newSession(), newSession(), newSession()];
    for (const name of names) expect(await patient[0].begin('eva', name)).toBe(true);
    for (const name of names) patient[0].end('eva', name);
    for (const _ of names) expect(await patient[1].begin('eva', newSession())).toBe(true);
    expect(await patient[1].begin('eva', newSession())).toBe(false);
  });

  test('of a dead gateway keep no place', async () => {
    const { gateways, presence } = openPlaces(connectionTo(kind), { deadAfterMs: 1 });
    const ghosts = Array.from({ length: MOST }, () => session(newSession(), 'dead'));
    await presence.write(ghosts.map((present) => ({ user: 'bob', present })));
    await untilDead(ghosts);
    expect(await gateways[1].begin('bob', newSession())).toBe(true);
  });

  test('are looked through for dead gateways once in a while, not at each refusal', async () => {
    const redis = connectionTo(kind);
    const { gateways, presence, pass } = openPlaces(redis, { deadAfterMs: 1 });
    const fill = async () => {
      const ghosts = Array.from({ length: MOST }, () => session(newSession(), 'dead'));
      await presence.write(ghosts.map((present) => ({ user: 'cleo', present })));
      await untilDead(ghosts);
    };
    await fill();
    expect(await gateways[0].begin('cleo', newSession())).toBe(true);
    await fill();
    expect(await gateways[0].begin('cleo', newSession())).toBe(false);
    expect(await redis.hlen(sessionsKeyOf('cleo'))).toBe(MOST);
    pass(5_000);
    expect(await gateways[0].begin('cleo', newSession())).toBe(true);
  });

  test('of a user whose key somebody has broken are let in, and nobody else notices', async () => {
    const redis = connectionTo(kind);
    const { gateways, seen } = openPlaces(redis);
    await redis.set(sessionsKeyOf('mallory'), 'no hash');
    const [one] = gateways;
    const answers = await Promise.all([one.begin('mallory', newSession()), one.begin('dora', newSession())]);
    expect(answers).toEqual([true, true]);
    expect(seen).toEqual(['alone']);
  });
});

test('without Redis a session is let in', async () => {
  const away = node.control.duplicate();
  away.disconnect();
  const { gateways, seen } = openPlaces(away);
  expect(await gateways[0].begin('ada', newSession())).toBe(true);
  gateways[0].end('ada', 's');
  expect(seen).toEqual(['alone']);
});
