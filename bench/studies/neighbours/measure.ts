/**
 * Measures what one kind of bad neighbour does to the good clients and to the gateway, in rounds without it and with
 * it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { until } from '../../../test/support/until.ts';
import { sized, smokeArguments } from '../support/size.ts';
import type { MeasuredGateway, Usage } from './gateway.ts';
import { KINDS, type KindName } from './kinds.ts';
import type { Latencies, Stream } from './stream.ts';

const SAMPLE_EVERY_MS = 250;
const AFTERWARDS_MS = sized(1_000, 100);
/** Engine.IO notices a silence after 45 seconds (25 and 20). Twice that leaves room for a busy machine. */
const GONE_TIMEOUT_MS = 90_000;
const ROUNDS = sized(3, 1);

const countsSchema = z.object({ counts: z.record(z.string(), z.number()) });

export interface Durations {
  readonly phaseMs: number;
  /** The time between the arrival of the bad clients and the measurement. */
  readonly rampMs: number;
}

interface Phase extends Latencies {
  /** The gateway's CPU time as a share of one core. */
  readonly cpuShare: number;
  /** The 99th percentile of the event loop's delay in the gateway. */
  readonly loopDelayMs: number;
  /** The share of all cores that is in use, by any process. At 1, the figures say nothing about the gateway. */
  readonly machineShare: number;
}

export interface Result {
  readonly title: string;
  readonly rounds: readonly { readonly alone: Phase; readonly withBad: Phase }[];
  readonly before: Usage;
  readonly peak: Usage;
  /** One value for each round, when the bad clients are gone and the garbage has been collected. */
  readonly after: readonly Usage[];
  /** What the gateway has counted. `counts`: what the bad clients did. */
  readonly endings: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
}

/** `goodClients`: how many clients remain connected when the bad ones are gone. */
export async function measure(
  kind: KindName,
  count: number,
  gateway: MeasuredGateway,
  stream: Stream,
  goodClients: number,
  { phaseMs, rampMs }: Durations,
): Promise<Result> {
  const [before, endingsBefore] = [await gateway.usageCollected(), await gateway.endings()];
  const rounds: { alone: Phase; withBad: Phase }[] = [];
  const after: Usage[] = [];
  const counts: Record<string, number> = {};
  let peak = before;
  for (let round = 0; round < ROUNDS; round += 1) {
    const alone = await phase(gateway, stream, phaseMs);
    const sampler = setInterval(async () => {
      peak = highest(peak, await gateway.usage());
    }, SAMPLE_EVERY_MS);
    const bad = await start(kind, count, gateway.url);
    await stream.run(rampMs);
    rounds.push({ alone, withBad: await phase(gateway, stream, phaseMs) });
    if (KINDS[kind].endsByItself) await gone(gateway, goodClients);
    add(counts, await countsOf(bad));
    clearInterval(sampler);
    const exited = once(bad, 'exit');
    bad.disconnect();
    await exited;
    await gone(gateway, goodClients);
    // Enough for the gateway's work after connections have ended.
    await pause(AFTERWARDS_MS);
    after.push(await gateway.usageCollected());
  }
  const endings = Object.fromEntries(
    [...(await gateway.endings())].map(([name, count]) => [name, count - (endingsBefore.get(name) ?? 0)]),
  );
  if (!Object.values(counts).some((count) => count > 0)) throw new Error(`${kind}: the bad ones did nothing`);
  return { title: `${KINDS[kind].title}: ${count}`, rounds, before, peak, after, endings, counts };
}

async function phase(gateway: MeasuredGateway, stream: Stream, durationMs: number): Promise<Phase> {
  const [{ cpuMicros }, startMs] = [await gateway.begin(), performance.now()];
  const machine = machineTimes();
  const latencies = await stream.run(durationMs);
  const after = await gateway.usage();
  const cpuShare = (after.cpuMicros - cpuMicros) / 1_000 / (performance.now() - startMs);
  const { totalMs, idleMs } = machineTimes();
  const machineShare = 1 - (idleMs - machine.idleMs) / (totalMs - machine.totalMs);
  return { ...latencies, cpuShare, loopDelayMs: after.loopDelayMs, machineShare };
}

function machineTimes(): { readonly totalMs: number; readonly idleMs: number } {
  const all = cpus().map(({ times }) => times);
  const totalMs = all.flatMap((times) => Object.values(times)).reduce((sum, ms) => sum + ms, 0);
  return { totalMs, idleMs: all.reduce((sum, { idle }) => sum + idle, 0) };
}

async function start(kind: KindName, count: number, url: string): Promise<ChildProcess> {
  const child = fork(new URL('./bad.ts', import.meta.url), [kind, String(count), url, ...smokeArguments]);
  await once(child, 'message');
  return child;
}

async function countsOf(child: ChildProcess): Promise<Readonly<Record<string, number>>> {
  const told = once(child, 'message');
  child.send('counts');
  const [message] = await told;
  return countsSchema.parse(message).counts;
}

async function gone(gateway: MeasuredGateway, goodClients: number): Promise<void> {
  await until('the bad ones to be gone', GONE_TIMEOUT_MS, async () => {
    return (await gateway.connected()) === goodClients;
  });
}

function highest(a: Usage, b: Usage): Usage {
  return {
    rssBytes: Math.max(a.rssBytes, b.rssBytes),
    heapBytes: Math.max(a.heapBytes, b.heapBytes),
    externalBytes: Math.max(a.externalBytes, b.externalBytes),
    cpuMicros: Math.max(a.cpuMicros, b.cpuMicros),
    loopDelayMs: Math.max(a.loopDelayMs, b.loopDelayMs),
  };
}

function add(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}
