/** A connection that only listens falls silent without an end: that is noticed, and what was missed is asked for. */
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { Server } from 'socket.io';
import { expect, test } from 'vitest';
import { connectForSubscriptions, type RedisConnection } from '../../src/adapters/redis/connections.ts';
import { channelOf, RedisLive } from '../../src/edge/gateway/redis-live-messages.ts';
import { encodeLiveMessage } from '../../src/pipeline/inbox/live-message.ts';
import { startRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const log = pino({ level: 'silent' });
const NOTICED_TIMEOUT_MS = 30_000;

test.for(['both', 'toClient', 'toServer'] as const)(
  'a black hole %s around the subscriptions alone',
  { timeout: 150_000 },
  async (way) => {
    const redis = await startRedis();
    const proxy = await startTcpProxy(redis.port);
    const publisher = new Redis(redis.url);
    const subscriber: RedisConnection = connectForSubscriptions(
      { kind: 'standalone', url: `redis://127.0.0.1:${proxy.port}` },
      log,
    );
    const live = new RedisLive(publisher, subscriber, log);
    const offsets: number[] = [];
    let gaps = 0;
    let closes = 0;
    subscriber.on('close', () => {
      closes += 1;
    });
    const http = createServer();
    const io = new Server(http);
    const adapter = live.adapterFor(io.of('/'), {
      notification: (_audience, { offset }) => offsets.push(offset),
      marks: () => {},
      gap: () => {
        gaps += 1;
      },
    });
    void adapter.addAll('a-socket', new Set(['{user:42}']));
    await live.inForce('{user:42}');
    const publish = async (offset: number) => {
      const message = encodeLiveMessage({ epoch: 'e', offset, sampled: false, json: '{}' });
      await publisher.spublish(channelOf('{user:42}'), message);
    };
    await publish(1);
    await until('the first message', 20_000, () => offsets.length === 1);

    proxy.blackHole(way);
    const silentMs = performance.now();
    await publish(2);
    await until('the silence to be noticed', NOTICED_TIMEOUT_MS, () => closes > 0);
    const noticedMs = performance.now() - silentMs;
    // Before that nothing says that there is a gap.
    expect(gaps).toBe(0);
    proxy.heal();
    await until('the gap to be told', NOTICED_TIMEOUT_MS, () => gaps === 1);
    await publish(3);
    await until('live messages', 20_000, () => offsets.at(-1) === 3);
    console.log(`subscriptions black-holed ${way}: noticed after ${(noticedMs / 1_000).toFixed(1)} s`);

    await adapter.close();
    for (const connection of [publisher, subscriber]) connection.disconnect();
    await io.close();
    await proxy.close();
    await redis.stop();
  },
);
