/** RabbitMQ dies, its connections are reset or fall silent, its memory runs out: every confirmed event arrives, once. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, isReady, tokenFor, untilReady } from '../support/carillon.ts';
import { type RabbitMqServer, startRabbitMq } from '../support/rabbitmq.ts';
import { until } from '../support/until.ts';
import { type FaultStack, metric, startFaultStack } from './fault-stack.ts';
import { rabbitmqctl } from './rabbitmqctl.ts';
import { expectWhole, Trial } from './trial.ts';

let rabbitMq: RabbitMqServer;
let stack: FaultStack;

beforeAll(async () => {
  rabbitMq = await startRabbitMq();
  stack = await startFaultStack(rabbitMq.url());
  // RabbitMQ 3.10 elects no leader for a queue when it is killed within the first moments of that queue's life.
  await until('the connections to be listed', 60_000, async () => {
    return (await rabbitMq.management.connections('/')).length >= 4;
  });
});
afterEach(() => stack.toRabbitMq.heal());
afterAll(async () => {
  await stack.stop();
  await rabbitMq.stop();
});

/** How often a process has told that its links were lost. */
const losses = ({ output }: CarillonProcess) =>
  output.filter((line) => line.includes('"state":"down"')).length;

test('RabbitMQ is killed while events are published', { timeout: 600_000 }, async () => {
  const report = await Trial.run('RabbitMQ killed mid-publish', stack, async (trial) => {
    const publishing = trial.publish(500);
    await trial.flows(20);
    await rabbitMq.kill();
    await rabbitMq.restart();
    await publishing;
  });
  expectWhole(report);
});

test('connections are reset between append and acknowledgement', { timeout: 600_000 }, async () => {
  const [consumer] = stack.consumers;
  if (consumer === undefined) throw new Error('no consumer');
  const repeats = () => metric(consumer, 'carillon_appends_total', 'repeat');
  const inHand = () => metric(consumer, 'carillon_consumer_events_in_hand');
  const before = await repeats();
  const report = await Trial.run('reset between append and ack', stack, async (trial) => {
    for (let i = 0; i < 5; i += 1) {
      const lost = losses(consumer);
      // Of what came again after the last loss nothing is appended, and it may be as much as RabbitMQ hands out at once:
      // while that is not acknowledged, nothing new comes.
      await trial.whenAllArrived(async () => {
        await until('all to be settled', 20_000, async () => (await inHand()) === 0);
        stack.toRabbitMq.blackHole('toServer');
      });
      const appended = await trial.appended();
      await until('appends', 20_000, async () => (await trial.appended()) >= appended + 20);
      stack.toRabbitMq.cut();
      stack.toRabbitMq.heal();
      await until('the loss to be noticed', 20_000, () => losses(consumer) > lost);
      await untilReady(consumer, 'the consumer', 20_000);
    }
  });
  expectWhole(report);
  // What had been appended and not acknowledged came again, and was recognised.
  expect(await repeats()).toBeGreaterThanOrEqual(before + 100);
});

test('connections fall silent for longer than the heartbeat', { timeout: 600_000 }, async () => {
  const all = [...stack.consumers, ...stack.gateways];
  const report = await Trial.run('RabbitMQ black-holed beyond the heartbeat', stack, async () => {
    const before = all.map(losses);
    stack.toRabbitMq.blackHole();
    await until('every process to notice', 60_000, () =>
      all.every((process, i) => losses(process) > (before[i] ?? 0)),
    );
    stack.toRabbitMq.heal();
  });
  expectWhole(report);
});

test('RabbitMQ has no memory left', { timeout: 600_000 }, async ({ skip }) => {
  // In Docker there is no process here whose rabbitmqctl could be asked.
  if (rabbitMq.folder === undefined) skip();
  const [gateway] = stack.gateways;
  if (gateway === undefined) throw new Error('no gateway');
  const token = await tokenFor('a-service', { scope: 'events:write' });
  const refusals: Response[] = [];

  const report = await Trial.run('RabbitMQ memory alarm', stack, async (trial) => {
    /** As a producer does that sends again what was not accepted. */
    const post = async () => {
      const body = JSON.stringify(trial.checker.next(trial.ownAudience));
      for (;;) {
        const headers = {
          authorization: `Bearer ${token}`,
          'content-type': 'application/cloudevents+json',
        };
        const response = await fetch(`${gateway.url}/v1/events`, { method: 'POST', headers, body });
        if (response.status === 202) break;
        refusals.push(response);
        await pause(500);
      }
      trial.confirmed += 1;
    };
    await post();
    await rabbitmqctl(rabbitMq, 'set_vm_memory_high_watermark', '0');
    const posting = (async () => {
      for (let i = 0; i < 20; i += 1) await post();
    })();
    await until('HTTP to refuse', 90_000, () => refusals.length >= 3);
    expect(await isReady(gateway)).toBe(false);
    await rabbitmqctl(rabbitMq, 'set_vm_memory_high_watermark', '0.4');
    await posting;
  });
  expectWhole(report);
  for (const refusal of refusals) {
    expect(refusal.status).toBe(503);
    expect(refusal.headers.get('retry-after')).toMatch(/^\d+$/);
  }
  expect(await refusals[0]?.json()).toMatchObject({ code: 'broker_unavailable' });
});
