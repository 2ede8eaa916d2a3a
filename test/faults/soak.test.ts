/**
 * Faults drawn at random for as long as `npm run test:faults -- --minutes` says, while events flow. A run prints its
 * seed and what it draws; the same seed draws the same faults in the same order.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'vitest';
import { startRabbitMq } from '../support/rabbitmq.ts';
import { seededRandom } from '../support/seeded-random.ts';
import type { Direction } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { startFaultStack } from './fault-stack.ts';
import { expectWhole, Trial } from './trial.ts';

const MINUTES = Number(process.env.FAULTS_MINUTES ?? 0);
const DURATION_MS = MINUTES * 60_000;
/** A round is judged before the next one begins. */
const FAULTS_A_ROUND = 10;
const SEED = Number(process.env.FAULTS_SEED ?? randomInt(2 ** 31));

test.runIf(MINUTES > 0)('a soak', { timeout: 2 * DURATION_MS + 300_000 }, async ({ onTestFinished }) => {
  console.log(`soak of ${MINUTES} minutes, seed ${SEED}`);
  const draw = seededRandom(SEED);
  const rabbitMq = await startRabbitMq();
  onTestFinished(() => rabbitMq.stop());
  const stack = await startFaultStack(rabbitMq.url());
  onTestFinished(() => stack.stop());
  const { toRabbitMq, toRedis, redis, control } = stack;
  await stack.startConsumer();
  await until('the connections to be listed', 20_000, async () => {
    return (await rabbitMq.management.connections('/')).length >= 5;
  });
  const directions: readonly Direction[] = ['toServer', 'toClient', 'both'];
  const kill = async () => {
    const active = stack.consumers.shift();
    active?.signal('SIGKILL');
    await active?.exited;
    await stack.startConsumer();
  };
  /** Each takes so many milliseconds, where time plays a part, and a direction. */
  const faults: Record<string, (ms: number, direction: Direction) => Promise<void>> = {
    'RabbitMQ is killed': async () => {
      await rabbitMq.kill();
      await rabbitMq.restart();
    },
    'Redis is killed': async () => {
      await redis.kill();
      await redis.restart();
    },
    'Redis is frozen': async (ms) => {
      await redis.pause();
      await pause(ms);
      await redis.resume();
    },
    'Redis is full': async (ms) => {
      await control.config('SET', 'maxmemory', '1mb');
      await pause(ms);
      await control.config('SET', 'maxmemory', '0');
    },
    'subscribers are cut': async () => void (await control.call('CLIENT', 'KILL', 'TYPE', 'pubsub')),
    'RabbitMQ is cut': async () => toRabbitMq.cut(),
    'Redis is cut': async () => toRedis.cut(),
    'RabbitMQ is black-holed and cut': async (ms, direction) => {
      toRabbitMq.blackHole(direction);
      await pause(ms);
      toRabbitMq.cut();
      toRabbitMq.heal();
    },
    'Redis is black-holed': async (ms, direction) => {
      toRedis.blackHole(direction);
      await pause(ms);
      toRedis.heal();
    },
    'Redis is slow': async (ms) => {
      toRedis.delay(100);
      await pause(ms);
      toRedis.heal();
    },
    'the consumer is killed': kill,
  };
  const names = Object.keys(faults);
  let drawn = 0;
  const endMs = performance.now() + DURATION_MS;
  while (performance.now() < endMs) {
    const first = drawn + 1;
    const what = `soak with seed ${SEED}, faults ${first} to ${drawn + FAULTS_A_ROUND}`;
    const report = await Trial.run(what, stack, async (trial) => {
      while (drawn < first - 1 + FAULTS_A_ROUND) {
        const name = names[Math.floor(draw() * names.length)] ?? '';
        const ms = Math.floor(200 + draw() * 7_800);
        const direction = directions[Math.floor(draw() * directions.length)] ?? 'both';
        drawn += 1;
        console.log(`${drawn}. ${name} (${ms} ms, ${direction})`);
        const publishing = trial.publish(100);
        await faults[name]?.(ms, direction);
        await publishing;
        await trial.flows(10);
      }
    });
    expectWhole(report);
  }
});
