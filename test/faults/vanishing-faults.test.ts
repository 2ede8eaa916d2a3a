/** Clients that drop, vanish or say nothing while events flow: their neighbours miss nothing, and nothing is left of them. */
import { afterAll, beforeAll, test } from 'vitest';
import { dropping, halfOpen, silent } from '../support/bad-clients.ts';
import { type CarillonProcess, tokenFor } from '../support/carillon.ts';
import { freshVhost } from '../support/servers.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { type FaultStack, metric, startFaultStack } from './fault-stack.ts';
import { expectWhole, Trial } from './trial.ts';

/** Engine.IO notices a silent client after 45 s. */
const GONE_TIMEOUT_MS = 90_000;

let stack: FaultStack;
let gateway: CarillonProcess;
/** All devices of the trials are where the bad ones are. */
let visited: FaultStack;

beforeAll(async () => {
  stack = await startFaultStack(await freshVhost());
  gateway = await stack.startGateway({ PENDING_MAX_BYTES: '262144' });
  visited = { ...stack, gateways: [gateway] };
});
afterAll(async () => {
  await gateway.stop();
  await stack.stop();
});

const tokensFor = (name: string, count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => tokenFor(`${name}-${i}`)));

/** The gateway has only so many left; none, unless a trial's devices are there. */
async function areGone(devices = 0): Promise<void> {
  await until('the bad ones to be gone', GONE_TIMEOUT_MS, async () => {
    return (await metric(gateway, 'carillon_connected_sockets')) === devices;
  });
}

test('clients connect and drop all the time', { timeout: 240_000 }, async () => {
  const tokens = await tokensFor('dropping', 50);
  const report = await Trial.run('50 clients that connect and drop', visited, async (trial) => {
    const bad = dropping(gateway.url, tokens, 500);
    // On a busy machine many drop before they have their session.
    await until('many drops, and many sessions', 90_000, () => {
      return (bad.counts.drops ?? 0) >= 500 && (bad.counts.sessions ?? 0) > 100;
    });
    await trial.flows(20);
    bad.stop();
  });
  expectWhole(report);
  await areGone();
});

test('clients vanish without a word', { timeout: 240_000 }, async ({ onTestFinished }) => {
  const proxy = await startTcpProxy(Number(new URL(gateway.url).port));
  const bad = await halfOpen(proxy, await tokensFor('half-open', 50));
  onTestFinished(async () => {
    bad.stop();
    await proxy.close();
  });
  const report = await Trial.run('50 half-open connections', visited, async (trial) => {
    await trial.flows(20);
    // The third one is away.
    await areGone(2);
  });
  expectWhole(report);
  await areGone();
});

test('a flood of connections that say nothing', { timeout: 120_000 }, async () => {
  const report = await Trial.run('a flood of silent connections', visited, async (trial) => {
    const bad = silent(gateway.url, 100);
    await until('many of them', 60_000, () => (bad.counts.opened ?? 0) >= 1_000);
    await trial.flows(20);
    bad.cease();
    await until('the gateway to close all of them', 60_000, () => bad.open === 0);
    bad.stop();
  });
  expectWhole(report);
});
