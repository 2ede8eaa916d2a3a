/** The servers that the other tests stand on: private, restartable, and gone without a trace. */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { isListening } from '../../../support/ports.ts';
import { isRunning, withDescendants } from '../../../support/process-table.ts';
import { type RabbitMqServer, startRabbitMq, vhostOf } from '../../../support/rabbitmq.ts';
import { type RedisOptions, type RedisServer, startRedis } from '../../../support/redis.ts';
import { freshRedis, freshVhost, sharedManagement } from '../../../support/servers.ts';

async function startRedisForThisTest(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

function clientOf(url: string): Redis {
  const client = new Redis(url);
  // Its server goes away, and that is no error here.
  client.on('error', () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

/** What this process has started since `before`. */
function startedSince(before: readonly number[]): readonly number[] {
  return withDescendants(process.pid).filter((pid) => !before.includes(pid));
}

describe('a private Redis', () => {
  test('answers PING', async () => {
    const server = await startRedisForThisTest();
    expect(await clientOf(server.url).ping()).toBe('PONG');
  });

  test.each([
    { persistent: true, kept: 'here' },
    { persistent: false, kept: null },
  ])('with persistent: $persistent has $kept after restart() and kill()', async ({ persistent, kept }) => {
    const server = await startRedisForThisTest({ persistent });
    const firstPid = server.pid;
    await clientOf(server.url).set('before-restart', 'here');
    await server.restart();
    expect(server.pid).not.toBe(firstPid);
    const client = clientOf(server.url);
    expect(await client.get('before-restart')).toBe(kept);

    await client.set('before-kill', 'here');
    await server.kill();
    expect(await isListening(server.port)).toBe(false);
    await server.restart();
    expect(await clientOf(server.url).get('before-kill')).toBe(kept);
  });

  test('answers nothing between pause() and resume()', async () => {
    const server = await startRedisForThisTest();
    const client = clientOf(server.url);
    await client.set('key', 'value');
    await server.pause();
    const answer = client.get('key');
    expect(await Promise.race([answer, pause(300, 'nothing')])).toBe('nothing');
    await server.resume();
    expect(await answer).toBe('value');
  });

  test('leaves nothing behind after stop()', async () => {
    const before = withDescendants(process.pid);
    const server = await startRedis();
    const started = startedSince(before);
    expect(started.length).toBeGreaterThan(0);
    await server.stop();
    expect(isRunning(server.pid)).toBe(false);
    expect(await isListening(server.port)).toBe(false);
    expect(server.folder && existsSync(server.folder)).toBeFalsy();
    await expect.poll(() => started.filter(isRunning)).toEqual([]);
  });
});

describe('the shared Redis', () => {
  test('has a database of its own for everyone', async () => {
    const [first, second] = [clientOf(await freshRedis()), clientOf(await freshRedis())];
    await first.set('key', 'value');
    expect(await second.dbsize()).toBe(0);
    expect(await first.dbsize()).toBe(1);
  });
});

describe('a private RabbitMQ', () => {
  let before: readonly number[];
  let server: RabbitMqServer;

  beforeEach(async () => {
    before = withDescendants(process.pid);
    server = await startRabbitMq();
  });

  afterEach(() => server.stop());

  /**
   * Waits for the message: what a server did not close for was still given to a consumer that is gone, and comes back
   * to the queue only when the queue's new leader has noticed.
   */
  async function take(url: string, queue: string): Promise<string | undefined> {
    const connection = await connect(url);
    const channel = await connection.createChannel();
    const taken = await new Promise<string | undefined>((resolve) => {
      void channel.consume(queue, (message) => resolve(message?.content.toString()));
    });
    // Closing without an acknowledgement gives the message back to the queue.
    await connection.close();
    return taken;
  }

  test('keeps a confirmed message of a quorum queue over restart() and kill()', {
    timeout: 180_000,
  }, async () => {
    const url = await server.vhost('kept');
    const connection = await connect(url);
    connection.on('error', () => {});
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue('events', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    channel.sendToQueue('events', Buffer.from('still here'), { persistent: true });
    await channel.waitForConfirms();
    await connection.close();

    await server.restart();
    expect(await take(url, 'events')).toBe('still here');
    await server.kill();
    expect(await isListening(server.port)).toBe(false);
    await server.restart();
    expect(await take(url, 'events')).toBe('still here');
  });

  test('runs beside another one, and leaves nothing behind after stop()', async () => {
    const sharedUrl = await freshVhost();
    const ownUrl = await server.vhost(vhostOf(sharedUrl));
    const [shared, own] = [await connect(sharedUrl), await connect(ownUrl)];
    own.on('error', () => {});
    onTestFinished(() => shared.close());
    const [sharedChannel, ownChannel] = [await shared.createChannel(), await own.createChannel()];
    await sharedChannel.assertQueue('shared');
    await ownChannel.assertQueue('own');
    const names = (queues: readonly { name: string }[]) => queues.map(({ name }) => name);
    for (const [management, url, queue] of [
      [sharedManagement(), sharedUrl, 'shared'],
      [server.management, ownUrl, 'own'],
    ] as const) {
      await expect.poll(async () => names(await management.queues(vhostOf(url)))).toEqual([queue]);
    }

    const started = startedSince(before);
    expect(started).toContain(server.pid);
    await server.stop();
    expect(isRunning(server.pid)).toBe(false);
    expect(await isListening(server.port)).toBe(false);
    expect(await isListening(Number(new URL(server.managementUrl).port))).toBe(false);
    expect(server.folder && existsSync(server.folder)).toBeFalsy();
    await expect.poll(() => started.filter(isRunning)).toEqual([]);
    expect(await isListening(inject('rabbitMq').port)).toBe(true);
  });
});

describe('the shared RabbitMQ', () => {
  test('closes a connection from its side through the management API', async () => {
    const url = await freshVhost();
    const connection = await connect(url);
    connection.on('error', () => {});
    const closed = new Promise((resolve) => connection.once('close', resolve));
    const management = sharedManagement();
    await expect
      .poll(() => management.connections(vhostOf(url)))
      .toEqual([expect.objectContaining({ vhost: vhostOf(url) })]);
    for (const { name } of await management.connections(vhostOf(url))) await management.closeConnection(name);
    await closed;
  });
});
