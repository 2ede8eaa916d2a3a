/**
 * The store is away for longer than RabbitMQ lets a consumer hold an event, again and again: what was not tried is not
 * counted, so nothing reaches the delivery limit, here of 4 instead of 100.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { healthSchema } from '../../src/contract/health.ts';
import type { CarillonProcess } from '../support/carillon.ts';
import { takeDeadLetters } from '../support/dead-letters.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { queueDepth } from '../support/queue-depth.ts';
import { type RabbitMqServer, startRabbitMq } from '../support/rabbitmq.ts';
import { until } from '../support/until.ts';
import { type FaultStack, startFaultStack } from './fault-stack.ts';
import { rabbitmqctl } from './rabbitmqctl.ts';
import { expectWhole, Trial } from './trial.ts';

const TIMEOUT_MS = 1_000;

let rabbitMq: RabbitMqServer;
let stack: FaultStack;

// In Docker there is no process here whose rabbitmqctl could be asked.
beforeEach(({ skip }) => {
  if (rabbitMq.folder === undefined) skip();
});
beforeAll(async () => {
  rabbitMq = await startRabbitMq();
  if (rabbitMq.folder !== undefined) {
    await rabbitmqctl(rabbitMq, 'eval', `application:set_env(rabbit, consumer_timeout, ${TIMEOUT_MS}).`);
    await rabbitmqctl(rabbitMq, 'eval', 'application:set_env(rabbit, channel_tick_interval, 500).');
  }
  await rabbitMq.management.put('policies/%2F/counted', {
    pattern: '^carillon\\.deliver$',
    'apply-to': 'queues',
    definition: { 'delivery-limit': 4 },
  });
  stack = await startFaultStack(rabbitMq.url());
});
afterEach(() => stack.toRedis.heal());
afterAll(async () => {
  await stack.stop();
  await rabbitMq.stop();
});

async function consumerPart({ opsUrl }: CarillonProcess) {
  const report = healthSchema.parse(await (await fetch(`${opsUrl}/health/ready`)).json());
  return report.parts?.consumer;
}

/** Every consumer says that it takes nothing, and so it stays over many of RabbitMQ's time-outs. */
async function allWait(): Promise<void> {
  for (const consumer of stack.consumers) {
    await expect
      .poll(() => consumerPart(consumer), { timeout: 30_000 })
      .toEqual({ ok: false, reason: 'waiting' });
  }
  await pause(8 * TIMEOUT_MS);
  for (const consumer of stack.consumers) {
    expect(await consumerPart(consumer)).toEqual({ ok: false, reason: 'waiting' });
  }
}

test('Redis is away over many consumer timeouts', { timeout: 180_000 }, async () => {
  const report = await Trial.run('Redis away over many consumer timeouts', stack, async (trial) => {
    const publishing = trial.publish(500);
    await stack.redis.kill();
    await publishing;
    await allWait();
    await stack.redis.restart();
  });
  expectWhole(report);
});

test('Redis takes no writes over many consumer timeouts', { timeout: 180_000 }, async () => {
  const report = await Trial.run('Redis full over many consumer timeouts', stack, async () => {
    await stack.control.config('SET', 'maxmemory', '1mb');
    await allWait();
    await stack.control.config('SET', 'maxmemory', '0');
  });
  expectWhole(report);
});

test('consumers die and start while Redis is away', { timeout: 240_000 }, async () => {
  const report = await Trial.run('consumers restarted while Redis is away', stack, async () => {
    stack.toRedis.blackHole();
    for (let i = 0; i < 4; i += 1) {
      await allWait();
      const [consumer] = stack.consumers.splice(0);
      consumer?.signal('SIGKILL');
      await consumer?.exited;
      await stack.spawnConsumer();
    }
    stack.toRedis.heal();
  });
  expectWhole(report);
});

test('dead letters cannot be kept over many consumer timeouts', { timeout: 180_000 }, async () => {
  const { amqpUrl, control, consumers } = stack;
  const [consumer] = consumers;
  // More than it may have in hand: a good event waits behind it.
  const poison = 300;
  const producer = new Producer(amqpUrl);
  // The alarm blocks producers too, so that all is published before.
  consumer?.signal('SIGSTOP');
  for (let i = 0; i < poison; i += 1) await producer.publishRaw(Buffer.from('?'), {}, `held.${i}`);
  await producer.publish(madeEvent('behind', { audience: 'user:behind' }));
  await rabbitmqctl(rabbitMq, 'set_vm_memory_high_watermark', '0');
  consumer?.signal('SIGCONT');
  await allWait();
  await rabbitmqctl(rabbitMq, 'set_vm_memory_high_watermark', '0.4');
  await until('all dead letters', 60_000, async () => (await queueDepth(amqpUrl, 'carillon.dead')) >= poison);
  await until('the good event', 60_000, async () => (await control.xlen('carillon:{user:behind}:log')) === 1);
  const deadLetters = await takeDeadLetters(amqpUrl);
  const reasons = deadLetters.map(({ properties }) => String(properties.headers?.['x-carillon-reason']));
  expect([...new Set(reasons)]).toEqual(['not_json']);
  await producer.close();
});
