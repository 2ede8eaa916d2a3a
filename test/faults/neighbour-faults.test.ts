/** Clients that read nothing while events flow: their neighbours miss nothing, and the gateway gets rid of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stuck } from '../support/bad-clients.ts';
import { type CarillonProcess, tokenFor } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import { LightClient } from '../support/light-client.ts';
import { Producer } from '../support/producer.ts';
import { freshVhost } from '../support/servers.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { until } from '../support/until.ts';
import { type FaultStack, metric, startFaultStack } from './fault-stack.ts';
import { expectWhole, Trial } from './trial.ts';

/** More for each than operating systems take before anything waits in the gateway, which is some megabytes. */
const NOT_READING = 6;
const EVENTS_EACH = 500;
const EVENT_BYTES = 32_000;
const TRAFFIC_BYTES = NOT_READING * EVENTS_EACH * EVENT_BYTES;
/** What a gateway may keep of it; the limit of what may wait is far below, for all of them together. */
const MAX_GROWTH_BYTES = TRAFFIC_BYTES / 3;
const PENDING_MAX_BYTES = 262_144;
/** Together more than a small gateway may keep, and each more than operating systems take. */
const MANY = 20;
const EVENTS_OF_MANY = 250;

/** Collects the garbage of the process that loads it, at SIGUSR2. */
const COLLECTOR = `
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.on('SIGUSR2', () => collect());
`;

let stack: FaultStack;
let gateway: CarillonProcess;
/** All devices of the trials are where the bad ones are. */
let visited: FaultStack;

beforeAll(async () => {
  stack = await startFaultStack(await freshVhost());
  gateway = await stack.startGateway({
    PENDING_MAX_BYTES: String(PENDING_MAX_BYTES),
    NODE_OPTIONS: `--import=file://${temporaryFile('collector.mjs', COLLECTOR)}`,
  });
  visited = { ...stack, gateways: [gateway] };
});
afterAll(async () => {
  await gateway.stop();
  await stack.stop();
});

const slowOnes = () => metric(gateway, 'carillon_connections_total', 'code="slow_consumer"');
const tokensFor = (name: string, count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => tokenFor(`${name}-${i}`)));

async function memoryBytes(): Promise<number> {
  const parts = ['nodejs_heap_size_used_bytes', 'nodejs_external_memory_bytes'];
  const values = await Promise.all(parts.map((name) => metric(gateway, name)));
  return values.reduce((sum, bytes) => sum + bytes);
}

test('clients that answer pings and read nothing are cut off, and recover everything', {
  timeout: 180_000,
}, async ({ onTestFinished }) => {
  const checker = new Checker();
  const producer = new Producer(stack.amqpUrl);
  const audiences = Array.from({ length: NOT_READING }, (_, i) => `user:not-reading-${i}`);
  const tokens = await tokensFor('not-reading', NOT_READING);
  const clients = tokens.map((token) => new LightClient([gateway.url], token));
  onTestFinished(async () => {
    for (const client of clients) client.close();
    await producer.close();
  });
  await until('sessions', 20_000, () => clients.every(({ isConnected }) => isConnected));
  const data = { text: 'x'.repeat(EVENT_BYTES) };
  let peakBytes = 0;

  const report = await Trial.run('clients that read nothing', visited, async (trial) => {
    for (const client of clients) client.stopReading();
    const before = await memoryBytes();
    for (let i = 0; i < EVENTS_EACH; i += 1) {
      await producer.publish(...audiences.map((audience) => checker.next(audience, { data })));
      if (i % 25 === 0)
        peakBytes = Math.max(peakBytes, await metric(gateway, 'process_resident_memory_bytes'));
    }
    for (const audience of audiences) {
      await until('all of it in the inboxes', 60_000, async () => {
        return (await stack.control.xlen(`carillon:{${audience}}:log`)) === EVENTS_EACH;
      });
    }
    await trial.flows(20);
    await until(`the gateway to keep less than ${MAX_GROWTH_BYTES} bytes more`, 30_000, async () => {
      gateway.signal('SIGUSR2');
      return (await memoryBytes()) - before < MAX_GROWTH_BYTES;
    });
    await until('all to be cut off', 20_000, async () => (await slowOnes()) >= NOT_READING);
    await until('all to have everything', 60_000, () =>
      clients.every((client, i) => client.seen(audiences[i] ?? '').length >= EVENTS_EACH),
    );
  });

  expectWhole(report);
  const seen = clients.map((client, i) => ({
    audience: audiences[i] ?? '',
    ids: client.seen(audiences[i] ?? ''),
  }));
  expect(checker.judge(seen)).toEqual(flawless(NOT_READING * EVENTS_EACH));
  expect(clients.map(({ unrecovered }) => unrecovered)).toEqual(clients.map(() => 0));
  const recovered = clients.reduce((sum, client) => sum + client.recovered, 0);
  expect(recovered).toBeGreaterThan(0);
  console.log(
    `clients that read nothing: published ${NOT_READING * EVENTS_EACH}, cut off ${await slowOnes()}, recovered ${recovered}, lost 0, highest RSS ${Math.round(peakBytes / 1e6)} MB`,
  );
});

test('many clients that read nothing, none of which has more waiting than it may, do not end a small gateway', {
  timeout: 240_000,
}, async ({ onTestFinished }) => {
  // What one may have waiting is more than all may.
  const small = await stack.startGateway({
    PENDING_MAX_BYTES: '67108864',
    // What is repeated would hardly take any room.
    COMPRESSION_LEVEL: '0',
    NODE_OPTIONS: '--max-old-space-size=64',
  });
  const producer = new Producer(stack.amqpUrl);
  const bad = await stuck(small.url, await tokensFor('stuck', MANY));
  onTestFinished(async () => {
    bad.stop();
    await producer.close();
    await small.stop();
  });
  const limit = (await metric(small, 'carillon_heap_limit_bytes')) / 8;
  const cutOff = () => metric(small, 'carillon_connections_total', 'outcome="closed",code="slow_consumer"');
  const checker = new Checker();
  const data = { text: 'x'.repeat(EVENT_BYTES) };
  const waiting: number[] = [];
  const look = async () => {
    waiting.push(await metric(small, 'carillon_pending_memory_bytes'));
  };
  const report = await Trial.run(
    'many clients that read nothing',
    { ...stack, gateways: [small] },
    async (trial) => {
      for (let i = 0; i < EVENTS_OF_MANY; i += 1) {
        const audiences = Array.from({ length: MANY }, (_, reader) => `user:stuck-${reader}` as const);
        await producer.publish(...audiences.map((audience) => checker.next(audience, { data })));
        await look();
      }
      // A busy gateway may get the events only now. Those that stay go on waiting after the slowest is cut off.
      await until('the slowest to be cut off', 60_000, async () => {
        const wasCutOff = (await cutOff()) > 0;
        await look();
        return wasCutOff;
      });
      await trial.flows(20);
    },
  );
  expectWhole(report);
  expect(Math.max(...waiting)).toBeGreaterThan(0);
  expect(Math.max(...waiting)).toBeLessThanOrEqual(limit);
  console.log(
    `many clients that read nothing: at most ${Math.round(Math.max(...waiting) / 1e6)} of ${Math.round(limit / 1e6)} MB waited, cut off ${await cutOff()} of ${MANY}`,
  );
});
