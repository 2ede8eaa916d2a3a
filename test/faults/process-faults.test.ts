/** Gateways and consumers are killed, and live in different times: nobody misses anything and nobody gets it twice. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, tokenFor } from '../support/carillon.ts';
import { connectClient } from '../support/client.ts';
import { freePort } from '../support/ports.ts';
import { freshVhost } from '../support/servers.ts';
import { clockShifted } from '../support/shifted-clock.ts';
import { until } from '../support/until.ts';
import { type FaultStack, metric, startFaultStack } from './fault-stack.ts';
import { expectWhole, Trial } from './trial.ts';

/** Of the consumer; in the long form many more. */
const KILLS = process.env.FAULTS_LONG === undefined ? 10 : 50;
/** As many as it takes until one falls between append and acknowledgement. */
const MOST_KILLS = 3 * KILLS;
const FIVE_MINUTES_MS = 300_000;

let stack: FaultStack;

beforeAll(async () => {
  stack = await startFaultStack(await freshVhost());
});
afterAll(() => stack.stop());

test('a gateway is killed again and again', { timeout: 300_000 }, async () => {
  const PORT = String(await freePort());
  let doomed = await stack.startGateway({ PORT });
  const fault = async (trial: Trial) => {
    for (let i = 0; i < 5; i += 1) {
      const publishing = trial.publish(100);
      doomed.signal('SIGKILL');
      await doomed.exited;
      doomed = await stack.startGateway({ PORT });
      await publishing;
      await trial.flows(20);
    }
  };
  // The tracking device goes round: after each loss it tries the next gateway, and then the doomed one again.
  const report = await Trial.run('gateway killed 5 times', stack, fault, { urls: [doomed.url] });
  expectWhole(report);
  await doomed.stop();
});

test(`the consumer is killed ${KILLS} times while another waits`, {
  // A consumer starts in a second, or in ten where the machine is full.
  timeout: 30_000 + MOST_KILLS * 15_000,
}, async () => {
  await stack.startConsumer();
  let repeats = 0;
  const takeoversMs: number[] = [];
  const report = await Trial.run(`consumer killed ${KILLS} times`, stack, async (trial) => {
    for (let i = 0; i < KILLS || (repeats === 0 && i < MOST_KILLS); i += 1) {
      const publishing = trial.publish(100);
      // Some of these are appended, and hardly all acknowledged.
      await trial.flows(1 + (i % 10));
      const active = stack.consumers.shift();
      const killedMs = performance.now();
      active?.signal('SIGKILL');
      await active?.exited;
      const appended = await trial.appended();
      await until('the waiting consumer to append', 30_000, async () => (await trial.appended()) > appended);
      takeoversMs.push(performance.now() - killedMs);
      await stack.startConsumer();
      await publishing;
      const [next] = stack.consumers;
      if (next !== undefined) repeats += await metric(next, 'carillon_appends_total', 'repeat');
    }
  });
  const [shortest, longest] = [Math.min(...takeoversMs), Math.max(...takeoversMs)].map(Math.round);
  console.log(`from the kill to the first event of the next one in the inbox: ${shortest} to ${longest} ms`);
  expectWhole(report);
  // Otherwise no kill would have fallen between append and acknowledgement.
  expect(repeats).toBeGreaterThan(0);
});

test('clocks are five minutes apart, and a consumer takes over from the future', {
  timeout: 300_000,
}, async () => {
  const [early, late] = await Promise.all([
    stack.startGateway(clockShifted(-FIVE_MINUTES_MS)),
    stack.startGateway(clockShifted(FIVE_MINUTES_MS)),
  ]);
  const timeAt = async ({ url }: CarillonProcess) => {
    const client = connectClient(url, await tokenFor('asks-the-time'));
    const { serverTime } = await client.session();
    client.close();
    return Date.parse(serverTime);
  };
  expect(await timeAt(late)).toBeGreaterThan(Date.now() + FIVE_MINUTES_MS / 2);
  expect(await timeAt(early)).toBeLessThan(Date.now() - FIVE_MINUTES_MS / 2);
  const fault = async (trial: Trial) => {
    await trial.flows(20);
    // The tracking device goes on at the other one, ten minutes later.
    early.signal('SIGKILL');
    for (const shiftMs of [FIVE_MINUTES_MS, -FIVE_MINUTES_MS]) {
      await stack.startConsumer(clockShifted(shiftMs));
      const publishing = trial.publish(100);
      while (stack.consumers.length > 1) {
        const active = stack.consumers.shift();
        active?.signal('SIGKILL');
        await active?.exited;
      }
      await publishing;
      await trial.flows(50);
    }
  };
  const report = await Trial.run('clocks five minutes apart', stack, fault, { urls: [early.url, late.url] });
  expectWhole(report);
  await Promise.all([early.stop(), late.stop()]);
});
