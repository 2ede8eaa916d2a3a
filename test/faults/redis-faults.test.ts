/** Redis dies, freezes, fills up, falls silent or drops its subscribers: what was published arrives, once, in order. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { CarillonProcess } from '../support/carillon.ts';
import { freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { type FaultStack, metric, startFaultStack } from './fault-stack.ts';
import { expectWhole, Trial } from './trial.ts';

const FROZEN_MS = 10_000;

let stack: FaultStack;
let consumer: CarillonProcess;

beforeAll(async () => {
  stack = await startFaultStack(await freshVhost());
  const [first] = stack.consumers;
  if (first === undefined) throw new Error('no consumer');
  consumer = first;
});
afterEach(() => stack.toRedis.heal());
afterAll(() => stack.stop());

const held = () => metric(consumer, 'carillon_appends_held_total');

/** Resolves when appends have failed and wait. */
async function isHolding(): Promise<void> {
  const before = await held();
  await until('appends to be held', 30_000, async () => (await held()) >= before + 3);
}

test('Redis is killed; it fsyncs always', { timeout: 120_000 }, async () => {
  const report = await Trial.run('Redis killed, appendfsync always', stack, async (trial) => {
    const publishing = trial.publish(500);
    await trial.flows(20);
    await stack.redis.kill();
    await isHolding();
    await stack.redis.restart();
    await publishing;
  });
  expectWhole(report);
});

test('Redis is frozen for 10 seconds', { timeout: 120_000 }, async () => {
  const report = await Trial.run('Redis frozen for 10 s', stack, async () => {
    await stack.redis.pause();
    await Promise.all([pause(FROZEN_MS), isHolding()]);
    await stack.redis.resume();
  });
  expectWhole(report);
});

test('Redis has no memory left', { timeout: 120_000 }, async () => {
  const { control } = stack;
  const report = await Trial.run('Redis maxmemory reached, then raised', stack, async () => {
    await control.config('SET', 'maxmemory', '1mb');
    await isHolding();
    await control.config('SET', 'maxmemory', '0');
  });
  expectWhole(report);
});

test('connections to Redis fall silent, one direction and both, and are cut', {
  timeout: 120_000,
}, async () => {
  const report = await Trial.run('Redis black-holed and reset', stack, async (trial) => {
    for (const direction of ['toServer', 'toClient', 'both'] as const) {
      stack.toRedis.blackHole(direction);
      await isHolding();
      stack.toRedis.heal();
      await trial.flows(20);
    }
    for (let i = 0; i < 10; i += 1) {
      stack.toRedis.cut();
      await trial.flows(5);
    }
  });
  expectWhole(report);
});

test('subscribers alone are cut, again and again', { timeout: 120_000 }, async () => {
  const heals = async () => {
    const counts = stack.gateways.map((gateway) => metric(gateway, 'carillon_feed_heals_total'));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count);
  };
  const before = await heals();
  const report = await Trial.run('pub/sub connections cut 20 times', stack, async (trial) => {
    // And until a message was lost on the way and read from the log: who is quickly back may lose none.
    for (let i = 0; i < 20 || ((await heals()) === before && i < 200); i += 1) {
      await until('subscribers to cut', 20_000, async () => {
        return Number(await stack.control.call('CLIENT', 'KILL', 'TYPE', 'pubsub')) > 0;
      });
      await trial.publish(20);
    }
  });
  expectWhole(report);
  expect(await heals()).toBeGreaterThan(before);
});
