/** The process as an operator meets it: how it refuses to start, and how it stops. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JWT_SECRET, spawnCarillon, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { type RedisServer, startRedis } from '../../../support/redis.ts';
import { freshVhost } from '../../../support/servers.ts';
import { temporaryFile } from '../../../support/temporary-file.ts';
import { until } from '../../../support/until.ts';

describe('refuses to start, exit code 1', () => {
  test('with every fault of the configuration in one message, and no secret in it', async () => {
    const carillon = await spawnCarillon({
      AMQP_URL: 'amqp://u:hunter2@h',
      JWT_SECRET: 'short-secret',
      PORT: 'x',
      LOG_LEVEL: 'loud',
    });
    expect(await carillon.exited).toBe(1);
    const said = carillon.output.join('\n');
    for (const name of ['PORT', 'JWT_SECRET', 'LOG_LEVEL', 'REDIS_URL']) expect(said).toContain(`- ${name}:`);
    expect(said).not.toMatch(/hunter2|short-secret|at .*\.js:/);
  });

  test('with the file and line of each fault in the routes', async () => {
    const path = temporaryFile(
      'routes.yaml',
      'routes:\n  - type: a.b\n    audiense: [global]\n    audience: [global]\n',
    );
    const carillon = await spawnCarillon({ ROUTES_FILE: path });
    expect(await carillon.exited).toBe(1);
    expect(carillon.output.join('\n')).toContain(`${path}:3: unknown key "audiense"`);
  });

  test('without the routes file that it was given', async () => {
    const carillon = await spawnCarillon({ ROUTES_FILE: '/nowhere/routes.yaml' });
    expect(await carillon.exited).toBe(1);
    expect(carillon.output.join('\n')).toMatch(/does not start: .*\/nowhere\/routes\.yaml/);
  });

  test('on a port that is taken', async () => {
    const first = await startCarillon({});
    const second = await spawnCarillon({ PORT: new URL(first.url).port });
    expect(await second.exited).toBe(1);
    expect(second.output.join('\n')).toContain('EADDRINUSE');
    await first.stop();
  });
});

describe('stops', () => {
  let amqpUrl: string;
  let redis: RedisServer;
  let producer: Producer;

  beforeAll(async () => {
    [amqpUrl, redis] = await Promise.all([freshVhost(), startRedis({ persistent: true })]);
    producer = new Producer(amqpUrl);
  });
  afterAll(async () => {
    await producer.close();
    await redis.stop();
  });
  // Canaries would lie in the queue beside the events, the more of them the longer it takes.
  const start = (extra: Record<string, string> = {}) =>
    startCarillon({ AMQP_URL: amqpUrl, REDIS_URL: redis.url, JWT_SECRET, CANARY_SECONDS: '0', ...extra });

  test('on SIGTERM: clients are asked to come back, and it exits with 0', async () => {
    const carillon = await start();
    const clients = await Promise.all(
      (['websocket', 'polling'] as const).map(async (transport) =>
        connectClient(carillon.url, await tokenFor('ada'), { transports: [transport] }),
      ),
    );
    await Promise.all(clients.map((client) => client.session()));
    const disconnected = clients.map(
      (client) => new Promise((resolve) => client.socket.once('disconnect', resolve)),
    );
    expect(await carillon.stop()).toBe(0);
    await Promise.all(disconnected);
    for (const { goaways } of clients) {
      expect(goaways).toEqual([{ code: 'shutting_down', reconnect: true, retryAfterMs: expect.any(Number) }]);
    }
    expect(carillon.output.at(-1)).toContain('"msg":"stopped"');
  });

  test('also when somebody has opened a connection and asked nothing', async () => {
    const carillon = await start();
    for (const url of [carillon.url, carillon.opsUrl]) {
      const { hostname, port } = new URL(url);
      const silent = connect(Number(port), hostname);
      silent.on('error', () => {});
      await once(silent, 'connect');
      // An answer on another connection: the silent one has been accepted by then.
      await fetch(`${url}/health/live`);
    }
    expect(await carillon.stop()).toBe(0);
  });

  test('with events in hand that its store does not take: they stay in the queue', {
    timeout: 120_000,
  }, async () => {
    const carillon = await start({ SHUTDOWN_TIMEOUT: '10' });
    await redis.pause();
    await producer.publish(
      ...Array.from({ length: 10 }, (_, i) => madeEvent(`kept-${i}`, { audience: 'user:eve' })),
    );
    await until('the appends to be held', 20_000, async () => {
      const metrics = await fetch(`${carillon.opsUrl}/metrics`);
      return /^carillon_appends_held_total [1-9]/m.test(await metrics.text());
    });
    expect(await carillon.stop()).toBe(0);
    await redis.resume();
    await until(
      'all ten to lie in the queue',
      20_000,
      async () => (await queueDepth(amqpUrl, 'carillon.deliver')) === 10,
    );

    const next = await start();
    const eve = connectClient(next.url, await tokenFor('eve'));
    await eve.session();
    await until(
      'the queue to be empty',
      20_000,
      async () => (await queueDepth(amqpUrl, 'carillon.deliver')) === 0,
    );
    expect(await next.stop()).toBe(0);
  });

  test('at once on a second signal', async () => {
    const carillon = await start({ SHUTDOWN_TIMEOUT: '600' });
    await redis.pause();
    await producer.publish(madeEvent('stuck', { audience: 'user:eve' }));
    await until('the append to be held', 20_000, async () => {
      const metrics = await fetch(`${carillon.opsUrl}/metrics`);
      return /^carillon_appends_held_total [1-9]/m.test(await metrics.text());
    });
    carillon.signal('SIGTERM');
    await until('it to be stopping', 20_000, () =>
      carillon.output.some((line) => line.includes('"msg":"stopping"')),
    );
    carillon.signal('SIGTERM');
    expect(await carillon.exited).toBe(1);
    await redis.resume();
  });
});
