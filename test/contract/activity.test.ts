/** The contract of activity, kept by the one in memory and the one over Redis. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Tick } from '../../src/contract/console.ts';
import type { Activity, Seen } from '../../src/observe/activity/activity.ts';
import { MemoryActivity } from '../../src/observe/activity/memory-activity.ts';
import { RedisActivity } from '../../src/observe/activity/redis-activity.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { monitorRedis } from '../support/redis-monitor.ts';
import { until } from '../support/until.ts';

/** Channels are one set for all databases of a server, so that these tests need one of their own. */
let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

function connect(): Redis {
  const redis = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  redis.on('error', () => {});
  onTestFinished(() => redis.disconnect());
  return redis;
}

function redisActivity(node: string): Activity {
  const redis = new Redis(server.url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 50,
  });
  redis.on('error', () => {});
  const activity = new RedisActivity({ node, now: Date.now, redis, subscriber: connect() });
  onTestFinished(() => {
    activity.close();
    redis.disconnect();
  });
  return activity;
}

const activities: Record<string, (node: string) => Activity> = {
  memory: (node) => {
    const activity = new MemoryActivity({ node, now: Date.now });
    onTestFinished(() => activity.close());
    return activity;
  },
  Redis: redisActivity,
};

let shown = 0;

const seen = (id: string): Seen => ({
  stage: 'received',
  amount: 1,
  show: () => {
    shown += 1;
    return { event: { source: '/a', id, type: 't' } };
  },
});

interface Watcher {
  readonly ticks: readonly Tick[];
  readonly stop: () => void;
}

/** Resolves once activity collects. */
async function watching(activity: Activity): Promise<Watcher> {
  const ticks: Tick[] = [];
  const stop = activity.watch((tick) => ticks.push(tick));
  await until('the activity to be watched', 20_000, () => activity.isWatched && ticks.length > 0);
  return { ticks, stop };
}

const idsIn = ({ ticks }: Watcher) => ticks.flatMap(({ samples }) => samples.map(({ event }) => event.id));

describe.for(Object.entries(activities))('%s', ([, open]) => {
  test('whoever watches sees how many are connected, and then what is recorded', async () => {
    const activity = open('n');
    activity.setConnectionCount(() => 3);
    const watcher = await watching(activity);
    expect(watcher.ticks[0]).toMatchObject({ connections: 3, samples: [] });
    for (const id of ['1', '2', '3']) activity.record(seen(id));
    activity.record({ stage: 'recovered', amount: 5 });
    await expect.poll(() => idsIn(watcher)).toEqual(['1', '2', '3']);
    const sum = (name: 'received' | 'recovered') =>
      watcher.ticks.reduce((all, { counts }) => all + counts[name], 0);
    expect([sum('received'), sum('recovered')]).toEqual([3, 5]);
  });

  test('nothing is looked at while nobody watches, and nothing of it comes later', async () => {
    const activity = open('n');
    shown = 0;
    for (let i = 0; i < 100; i += 1) activity.record(seen('before'));
    expect([activity.isWatched, shown]).toEqual([false, 0]);
    const first = await watching(activity);
    first.stop();
    await until('the activity to rest', 20_000, () => !activity.isWatched);
    for (let i = 0; i < 100; i += 1) activity.record(seen('between'));
    expect(shown).toBe(0);
    const second = await watching(activity);
    activity.record(seen('after'));
    await expect.poll(() => idsIn(second)).toEqual(['after']);
    expect(idsIn(first)).toEqual([]);
  });

  test('several watch, and one that stops is not called any more', async () => {
    const activity = open('n');
    const [ada, grace] = [await watching(activity), await watching(activity)];
    activity.record(seen('1'));
    await expect.poll(() => [idsIn(ada), idsIn(grace)]).toEqual([['1'], ['1']]);
    ada.stop();
    activity.record(seen('2'));
    await expect.poll(() => idsIn(grace)).toEqual(['1', '2']);
    expect(idsIn(ada)).toEqual(['1']);
  });

  test('when it is closed nobody is called any more', async () => {
    const activity = open('n');
    const watcher = await watching(activity);
    activity.record(seen('1'));
    activity.close();
    const told = watcher.ticks.length;
    activity.record(seen('2'));
    expect(activity.isWatched).toBe(false);
    expect(watcher.ticks).toHaveLength(told);
  });
});

describe('over Redis', () => {
  test('all processes are in one tick, with the connections of all', async () => {
    const [consumer, gateway] = [redisActivity('consumer'), redisActivity('gateway')];
    gateway.setConnectionCount(() => 2);
    const watcher = await watching(consumer);
    await until('the other process to hear of it', 20_000, () => gateway.isWatched);
    consumer.record(seen('1'));
    gateway.record({
      stage: 'delivered',
      amount: 2,
      latencyMs: 8,
      show: () => ({ event: { source: '/a', id: '1', type: 't' } }),
    });
    await expect
      .poll(() =>
        watcher.ticks.flatMap(({ samples }) => samples.map((one) => `${one.node} ${one.stage}`)).toSorted(),
      )
      .toEqual(['consumer received', 'gateway delivered']);
    expect(watcher.ticks.some(({ latencyMs }) => latencyMs?.p99 === 8)).toBe(true);
    await expect.poll(() => watcher.ticks.at(-1)?.connections).toBe(2);
  });

  test('nothing is sent while nobody watches', async () => {
    const commands: string[] = [];
    await monitorRedis(server.url, ([name = '', channel = '']) => {
      if (channel.startsWith('carillon:{tap}')) commands.push(`${name.toLowerCase()} ${channel}`);
    });
    const activity = redisActivity('n');
    const others = connect();
    await until('the subscription', 20_000, async () => {
      const [, count] = await others
        .call('PUBSUB', 'SHARDNUMSUB', 'carillon:{tap}:watched')
        .then(String)
        .then((text) => text.split(','));
      return Number(count) === 1;
    });
    for (let i = 0; i < 100; i += 1) activity.record(seen(String(i)));
    const watcher = await watching(activity);
    await expect.poll(() => commands).toContain('spublish carillon:{tap}:batches');
    const begin = commands.indexOf('spublish carillon:{tap}:watched');
    expect(commands.slice(0, begin).filter((command) => command.startsWith('spublish'))).toEqual([]);
    watcher.stop();
    await until('the activity to rest', 20_000, () => !activity.isWatched);
    // What was sent last is seen before what is asked now.
    await others.get('carillon:{tap}:resting');
    await expect.poll(() => commands).toContain('get carillon:{tap}:resting');
    const told = commands.length;
    for (let i = 0; i < 100; i += 1) activity.record(seen(String(i)));
    await others.get('carillon:{tap}:over');
    await expect.poll(() => commands.slice(told)).toEqual(['get carillon:{tap}:over']);
  });

  test('what others send on its channel, or a newer version, is passed over', async () => {
    const activity = redisActivity('n');
    const watcher = await watching(activity);
    const others = connect();
    for (const text of ['no JSON', '{"from":"the future"}', '']) {
      await others.spublish('carillon:{tap}:batches', text);
    }
    activity.record(seen('1'));
    await expect.poll(() => idsIn(watcher)).toEqual(['1']);
  });

  test('while Redis is away nothing is said and nothing fails, and then it goes on', async () => {
    const activity = redisActivity('n');
    const watcher = await watching(activity);
    await server.kill();
    for (let i = 0; i < 100; i += 1) activity.record(seen('lost'));
    await until('the activity to rest', 20_000, () => !activity.isWatched);
    const told = watcher.ticks.length;
    activity.record(seen('unseen'));
    await server.restart();
    await until('the activity to be watched again', 20_000, () => activity.isWatched);
    const later = () => {
      activity.record(seen('later'));
      return idsIn(watcher);
    };
    await expect.poll(later).toContain('later');
    expect(idsIn(watcher)).not.toContain('unseen');
    expect(watcher.ticks.length).toBeGreaterThan(told);
  });
});
