/** The user's inbox over Redis; and what becomes of marks when a node that lacks writes takes over. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { logKeyOf, marksKeyOf } from '../../src/adapters/redis/keys.ts';
import { type Audience, roomOf } from '../../src/contract/audience.ts';
import { channelOf } from '../../src/edge/gateway/redis-live-messages.ts';
import type { InboxLimits } from '../../src/pipeline/inbox/inbox.ts';
import { NO_MARKS } from '../../src/pipeline/inbox/marks.ts';
import { RedisInbox } from '../../src/pipeline/inbox/redis-inbox.ts';
import { RedisMarksStore } from '../../src/pipeline/inbox/redis-marks-store.ts';
import { InboxUnavailable } from '../../src/resilience/unavailable.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { entry } from './inbox-contract.ts';
import { describeUserInbox } from './user-inbox-contract.ts';
import { describeUserMarks } from './user-inbox-marks-contract.ts';
import { event, ROOMY, type Stores, toMarksMessages, userOf } from './user-inbox-subject.ts';

const KEPT_MS = 7_200_000;

let server: RedisServer;
let redis: Redis;
let runId = 'run-1';

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

function openStores(limits: InboxLimits = ROOMY) {
  return {
    inbox: new RedisInbox({ redis, runIdOf: () => runId, channelOf, limits }),
    store: new RedisMarksStore({ redis, channelOf, keptMs: KEPT_MS }),
  };
}

const keysOf = (audience: Audience) => redis.keys(`carillon:{${audience}}:*`);
const logKeysOf = async (audience: Audience) =>
  (await keysOf(audience)).filter((key) => !key.endsWith(':marks'));

async function open(limits: InboxLimits): Promise<Stores> {
  await redis.flushall();
  const subscriber = new Redis(server.url);
  const published: Buffer[] = [];
  subscriber.on('smessageBuffer', (_channel: Buffer, message: Buffer) => published.push(message));
  await subscriber.ssubscribe(channelOf(roomOf('user:ada')));
  return {
    ...openStores(limits),
    publishedMarks: async () => {
      // Behind this answer everything that was published before it has arrived.
      await subscriber.ping();
      return toMarksMessages(published);
    },
    loseLogs: async () => {
      for (const audience of ['user:ada', 'department:sales', 'global'] as const) {
        const keys = await logKeysOf(audience);
        if (keys.length > 0) await redis.del(...keys);
      }
    },
    close: async () => subscriber.disconnect(),
  };
}

describeUserInbox('user inbox in redis', open);
describeUserMarks('marks in redis', open);

describe('when another node takes over', () => {
  const audience = 'department:sales';
  let ada: ReturnType<typeof userOf>;

  beforeEach(async () => {
    await redis.flushall();
    runId = 'run-1';
    ada = userOf(openStores());
  });

  /** What a replica has that got nothing after this moment; the answer makes it the primary. */
  async function replicate(): Promise<() => Promise<void>> {
    const keys = await logKeysOf(audience);
    const dumps = await Promise.all(keys.map(async (key) => [key, await redis.dumpBuffer(key)] as const));
    return async () => {
      runId = `${runId}+`;
      const now = await logKeysOf(audience);
      if (now.length > 0) await redis.del(...now);
      for (const [key, dump] of dumps) if (dump !== null) await redis.restore(key, 0, dump);
    };
  }

  async function read(filter: 'all' | 'unread' | 'archived'): Promise<string> {
    return (await ada.ids(filter)).toReversed().join(' ');
  }

  test('that has everything, all marks stay', async () => {
    await ada.publish(event('before', [audience]));
    await ada.open();
    await ada.publish(...['a', 'b', 'c'].map((id) => event(id, [audience])));
    await ada.mark({ as: 'archived', ids: ['a'] });
    await ada.mark({ as: 'read', upTo: { [audience]: 3 } });
    const takeOver = await replicate();
    await takeOver();
    await ada.publish(event('d', [audience]));
    expect([await read('archived'), await read('all'), await read('unread')]).toEqual(['a', 'b c d', 'c d']);
    await ada.mark({ as: 'read', ids: ['c'] });
    expect([await read('archived'), await read('unread')]).toEqual(['a', 'd']);
  });

  test('that lacks writes, marks of these do not apply to what comes in their place', async () => {
    await ada.open();
    await ada.publish(...['a', 'b'].map((id) => event(id, [audience])));
    const takeOver = await replicate();
    await ada.publish(...['lost-1', 'lost-2'].map((id) => event(id, [audience])));
    await ada.mark({ as: 'archived', ids: ['a', 'lost-1'] });
    await ada.mark({ as: 'read', all: true });
    await takeOver();
    await ada.publish(...['c', 'd', 'e'].map((id) => event(id, [audience])));
    expect([await read('archived'), await read('all'), await read('unread')]).toEqual([
      'a',
      'b c d e',
      'c d e',
    ]);
  });

  test('that lacks what came before the user belonged there, what comes now is still shown', async () => {
    await ada.publish(event('old-1', [audience]));
    const takeOver = await replicate();
    await ada.publish(event('old-2', [audience]), event('old-3', [audience]));
    expect(await ada.open()).toEqual({ unseen: 0, unread: 0 });
    await takeOver();
    await ada.publish(event('new', [audience]));
    expect(await read('all')).toBe('new');
  });

  test('twice, the second one without the first, old unread do not come back', async () => {
    await ada.publish(event('last-year', [audience]));
    const takeOver = await replicate();
    runId = 'run-2';
    await ada.publish(event('old', [audience]));
    await ada.open();
    await takeOver();
    await ada.publish(event('new', [audience]));
    expect(await read('all')).toBe('new');
  });
});

describe('marks in redis, of their own', () => {
  test('are one key beside the room that hears of them, with an end', async () => {
    await redis.flushall();
    await userOf(openStores()).mark({ as: 'seen', all: true });
    expect(await redis.keys('*')).toEqual(['carillon:{user:ada}:marks']);
    expect(await redis.pttl('carillon:{user:ada}:marks')).toBeGreaterThan(KEPT_MS / 2);
  });

  test('are unavailable while Redis is away', async () => {
    const client = new Redis({ port: 1, host: '127.0.0.1', enableOfflineQueue: false, lazyConnect: true });
    const store = new RedisMarksStore({ redis: client, channelOf, keptMs: KEPT_MS });
    await expect(store.load('ada')).rejects.toThrow(InboxUnavailable);
    await expect(store.save('ada', 0, new Map(), undefined)).rejects.toThrow(InboxUnavailable);
    client.disconnect();
  });
});

test('a key that somebody has broken is the fault of nobody who asks at the same time', async () => {
  await redis.flushall();
  const { inbox, store } = openStores();
  await inbox.append('user:ada', [entry('a', 'user:ada')]);
  const saved = await store.save('ada', 0, new Map([['global', NO_MARKS]]), undefined);
  expect(saved).toBe(true);
  await redis.set(marksKeyOf('eve'), 'no hash');
  await redis.set(logKeyOf('user:eve', 'meta'), 'no hash');
  const marks = await Promise.allSettled(['ada', 'eve', 'bob'].map((user) => store.load(user)));
  expect(marks).toMatchObject([
    { value: { version: 1 } },
    { reason: expect.any(InboxUnavailable) },
    { value: { version: 0 } },
  ]);
  const users: readonly Audience[] = ['user:ada', 'user:eve', 'user:bob'];
  const heads = await Promise.allSettled(users.map((audience) => inbox.heads([audience])));
  expect(heads).toMatchObject([
    { value: [{ offset: 1 }] },
    { reason: expect.any(InboxUnavailable) },
    { value: [{ offset: 0 }] },
  ]);
});
