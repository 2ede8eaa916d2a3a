/** The contract of presence and of given departments, kept by the ones in memory and the ones in Redis. */
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Audience, isAudience } from '../../src/contract/audience.ts';
import type { KnownDevice, PresentSession } from '../../src/contract/presence.ts';
import type { Departments } from '../../src/operate/access/departments.ts';
import { MemoryDepartments } from '../../src/operate/access/memory-departments.ts';
import { RedisDepartments } from '../../src/operate/access/redis-departments.ts';
import { MemoryPresence } from '../../src/operate/presence/memory-presence.ts';
import {
  MAX_DEVICES,
  type PresenceStore,
  type RoomCount,
} from '../../src/operate/presence/presence-store.ts';
import { RedisPresence } from '../../src/operate/presence/redis-presence.ts';
import { freshRedis } from '../support/servers.ts';

const NEVER_MS = 3_600_000;
const SOON_MS = 200;

async function connect(): Promise<Redis> {
  const redis = new Redis(await freshRedis());
  onTestFinished(() => redis.disconnect());
  return redis;
}

interface Stores {
  readonly presence: (deadAfterMs: number) => Promise<PresenceStore>;
  readonly departments: () => Promise<Departments>;
}

const stores: Record<string, Stores> = {
  memory: {
    presence: async (deadAfterMs) => new MemoryPresence(deadAfterMs),
    departments: async () => new MemoryDepartments(),
  },
  Redis: {
    presence: async (deadAfterMs) => new RedisPresence({ redis: await connect(), deadAfterMs }),
    departments: async () => new RedisDepartments(await connect()),
  },
};

const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

function session(name: string, more: Partial<PresentSession> = {}): PresentSession {
  return {
    session: name,
    node: 'node-1',
    address: '192.0.2.1',
    transport: 'websocket',
    connectedAt: at(0),
    audiences: { 'user:ada': { epoch: 'a1', offset: 7 } },
    ...more,
  };
}

function left({ address: _, transport: _t, ...rest }: PresentSession, seconds: number): KnownDevice {
  return { ...rest, disconnectedAt: at(seconds) };
}

const rooms = (occupied: Readonly<Record<string, RoomCount | undefined>>, isAll = false) => ({
  isAll,
  occupied: new Map(
    Object.entries(occupied).flatMap(([name, roomCounts]): [Audience, RoomCount | undefined][] =>
      isAudience(name) ? [[name, roomCounts]] : [],
    ),
  ),
});

/** What is there right behind a sign of life: a busy machine may take longer than {@link SOON_MS} to look. */
const whileHeardOf = <T>(
  store: PresenceStore,
  node: string,
  look: () => Promise<T>,
  said = rooms({}, true),
) =>
  expect.poll(async () => {
    await store.beat(node, said);
    return await look();
  });

describe.for(Object.entries(stores))('%s: sessions', ([, { presence: open }]) => {
  test('are listed the oldest first, and what is written again replaces', async () => {
    const store = await open(NEVER_MS);
    expect(await store.of('ada')).toEqual({ sessions: [], devices: [] });
    const [first, second] = [session('s1', { connectedAt: at(-9), device: 'phone' }), session('s2')];
    await store.write([
      { user: 'ada', present: second },
      { user: 'bob', present: session('s3') },
      { user: 'ada', present: first },
    ]);
    const changed = { ...first, transport: 'polling', cursors: { global: { epoch: 'b2', offset: 3 } } };
    await store.write([{ user: 'ada', present: changed }]);
    expect(await store.of('ada')).toEqual({ sessions: [changed, second], devices: [] });
  });

  test('of a node that lives in the future end with it all the same', async () => {
    const store = await open(SOON_MS);
    await whileHeardOf(store, 'node-1', async () => {
      await store.write([{ user: 'ada', present: session('s1', { connectedAt: at(120) }) }]);
      return (await store.of('ada')).sessions;
    }).toHaveLength(1);
    await expect.poll(async () => (await store.of('ada')).sessions).toEqual([]);
    expect((await store.of('ada')).devices).toHaveLength(1);
  });

  test('that ended are devices, of one name the last, and none that is connected again', async () => {
    const store = await open(NEVER_MS);
    const [phone, nameless, again] = [
      session('s1', { device: 'phone' }),
      session('s2'),
      session('s3', { device: 'phone' }),
    ];
    const [phoneLeft, namelessLeft, phoneLeftAgain] = [left(phone, 1), left(nameless, 2), left(again, 3)];
    await store.write([phone, nameless].map((present) => ({ user: 'ada', present })));
    await store.write([phoneLeft, namelessLeft].map((gone) => ({ user: 'ada', gone })));
    expect(await store.of('ada')).toEqual({ sessions: [], devices: [namelessLeft, phoneLeft] });
    await store.write([{ user: 'ada', present: again }]);
    expect(await store.of('ada')).toEqual({ sessions: [again], devices: [namelessLeft] });
    await store.write([{ user: 'ada', gone: phoneLeftAgain }]);
    expect(await store.of('ada')).toEqual({ sessions: [], devices: [phoneLeftAgain, namelessLeft] });
  });

  test('without a name are forgotten after a week, and beyond so many the longest gone', async () => {
    const store = await open(NEVER_MS);
    const weekAgo = left(session('old', {}), -7 * 86_400 - 1);
    await store.write([{ user: 'ada', gone: weekAgo }]);
    expect((await store.of('ada')).devices).toEqual([]);
    for (let i = 0; i < 3 * MAX_DEVICES; i += 1) {
      await store.write([{ user: 'ada', gone: left(session(`s${i}`), i) }]);
    }
    const { devices } = await store.of('ada');
    expect(devices.length).toBeLessThanOrEqual(MAX_DEVICES);
    expect(devices.length).toBeGreaterThanOrEqual(MAX_DEVICES / 2);
    expect(devices[0]?.session).toBe(`s${3 * MAX_DEVICES - 1}`);
  });

  test('of a node that is not heard of any more are devices, until it is heard of and writes them again', async () => {
    const store = await open(SOON_MS);
    const here = session('s1', { connectedAt: at(-60), device: 'phone' });
    const written = async () => {
      await store.write([{ user: 'ada', present: here }]);
      return await store.of('ada');
    };
    await whileHeardOf(store, 'node-1', written).toEqual({ sessions: [here], devices: [] });
    await expect.poll(async () => (await store.of('ada')).sessions).toEqual([]);
    const { devices } = await store.of('ada');
    const { address: _, transport: _t, ...known } = here;
    expect(devices).toEqual([{ ...known, disconnectedAt: expect.any(String) }]);
    // When its node was last heard of.
    expect(Date.parse(devices[0]?.disconnectedAt ?? '')).toBeGreaterThan(Date.now() - 30_000);
    expect(await store.of('ada')).toEqual({ sessions: [], devices });
    expect(await store.beat('node-1', rooms({}))).toBe(false);
    await whileHeardOf(store, 'node-1', written).toEqual({ sessions: [here], devices: [] });
  });
});

describe.for(Object.entries(stores))('%s: nodes', ([, { presence: open }]) => {
  const sales = 'department:sales';

  test('tell who is in their rooms: all at first, then what changed', async () => {
    const store = await open(NEVER_MS);
    expect(await store.beat('a', rooms({ [sales]: { users: 2, sessions: 3 } }, true))).toBe(false);
    expect(await store.beat('b', rooms({}, true))).toBe(false);
    expect(await store.beat('a', rooms({ 'department:north': { users: 1, sessions: 1 } }))).toBe(true);
    expect(await store.beat('b', rooms({ [sales]: { users: 1, sessions: 1 } }))).toBe(true);
    const hosts = await store.hosts(sales);
    expect(hosts.toSorted((x, y) => x.node.localeCompare(y.node))).toEqual([
      { node: 'a', users: 2, sessions: 3 },
      { node: 'b', users: 1, sessions: 1 },
    ]);
    expect(await store.beat('a', rooms({ [sales]: undefined }))).toBe(true);
    expect(await store.hosts(sales)).toEqual([{ node: 'b', users: 1, sessions: 1 }]);
    expect(await store.beat('a', rooms({ [sales]: { users: 5, sessions: 5 } }, true))).toBe(true);
    expect(await store.hosts('department:north')).toEqual([]);
  });

  test('that leave or are not heard of host nothing', async () => {
    const store = await open(SOON_MS);
    const one = rooms({ [sales]: { users: 1, sessions: 1 } }, true);
    const isHost = [{ node: 'a', users: 1, sessions: 1 }];
    const hosts = () => store.hosts(sales);
    const beforeBoth = async () => {
      await store.beat('b', one);
      return await hosts();
    };
    await whileHeardOf(store, 'a', beforeBoth, one).toHaveLength(2);
    await store.leave('b');
    await whileHeardOf(store, 'a', hosts, one).toEqual(isHost);
    await expect.poll(hosts).toEqual([]);
    expect(await store.beat('a', one)).toBe(false);
    await whileHeardOf(store, 'a', hosts, one).toEqual(isHost);
  });
});

describe.for(Object.entries(stores))('%s: departments', ([, { departments: open }]) => {
  test('count from when they are given until they are taken back', async () => {
    const departments = await open();
    expect(await departments.of('ada')).toBeUndefined();
    await departments.give('ada', ['sales', 'north']);
    await departments.give('bob', []);
    expect(await Promise.all(['ada', 'bob', 'eve'].map((user) => departments.of(user)))).toEqual([
      ['sales', 'north'],
      [],
      undefined,
    ]);
    await departments.takeBack('ada');
    await departments.takeBack('ada');
    expect(await departments.of('ada')).toBeUndefined();
  });
});

describe('in Redis', () => {
  test('everything expires, and what another version wrote is passed over', async () => {
    const redis = await connect();
    const store = new RedisPresence({ redis });
    const one = session('s1', { device: 'phone' });
    await store.write([
      { user: 'ada', present: one },
      { user: 'ada', gone: left(session('s2'), 0) },
    ]);
    await store.beat('node-1', rooms({}, true));
    for (const key of ['{user:ada}:sessions', '{user:ada}:devices', '{nodes}:node-1']) {
      expect(await redis.pttl(`carillon:${key}`)).toBeGreaterThan(0);
    }
    await redis.hset('carillon:{user:ada}:sessions', 's9', '{"from":"the future"}', 's8', 'no JSON');
    expect((await store.of('ada')).sessions).toEqual([one]);
  });

  test('who seems to have many sessions is looked at: nobody may ever ask', async () => {
    const redis = await connect();
    const store = new RedisPresence({ redis });
    const ghosts = Array.from({ length: 30 }, (_, i) =>
      session(`s${i}`, { node: `dead-${i}`, connectedAt: at(-60) }),
    );
    await store.write(ghosts.map((present) => ({ user: 'ada', present })));
    await expect.poll(() => redis.hlen('carillon:{user:ada}:sessions')).toBe(0);
  });

  test('departments that cannot be read are no reason to guess', async () => {
    const redis = await connect();
    await redis.set('carillon:{user:ada}:departments', '"sales"');
    const departments = new RedisDepartments(redis);
    await redis.set('carillon:{user:bob}:departments', '["north"]');
    const [ada, bob] = await Promise.allSettled([departments.of('ada'), departments.of('bob')]);
    expect(ada.status).toBe('rejected');
    expect(bob).toEqual({ status: 'fulfilled', value: ['north'] });
  });
});
