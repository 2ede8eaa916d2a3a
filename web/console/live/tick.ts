/** What the live stream tells: counts, latency and samples of the stages that events went through. */
import { isJsonObject, type JsonObject, numberAt, parseObject, textAt, textsAt } from '../json-object.ts';

const COUNTED = ['received', 'mapped', 'appended', 'delivered', 'recovered', 'dead'] as const;

type Counted = (typeof COUNTED)[number];

export const STAGES = ['received', 'mapped', 'appended', 'delivered', 'dead'] as const;

export type StageName = (typeof STAGES)[number];

export interface Stage {
  readonly stage: StageName;
  readonly atMs: number;
  readonly event: { readonly source: string; readonly id: string; readonly type: string };
  readonly audience: string | undefined;
  readonly audiences: readonly string[] | undefined;
  readonly count: number | undefined;
  readonly route: string | undefined;
  readonly offset: number | undefined;
  /** Gateways that host the audience. */
  readonly nodes: number | undefined;
  readonly sockets: number | undefined;
  readonly latencyMs: number | undefined;
  readonly reason: string | undefined;
  readonly detail: string | undefined;
  readonly node: string;
}

export type Counts = Readonly<Record<Counted, number>>;

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface Tick {
  readonly atMs: number;
  readonly counts: Counts;
  readonly connections: number;
  readonly latencyMs: Latency | undefined;
  readonly samples: readonly Stage[];
  /** Stages that were counted and not sampled. */
  readonly dropped: number;
}

/** Undefined for what is no tick. */
export function readTick(text: string): Tick | undefined {
  const tick = parseObject(text);
  if (tick === undefined) return undefined;
  const counts = isJsonObject(tick.counts) ? tick.counts : {};
  return {
    atMs: numberAt(tick, 'atMs') ?? 0,
    counts: countsFrom((name) => numberAt(counts, name) ?? 0),
    connections: numberAt(tick, 'connections') ?? 0,
    latencyMs: isJsonObject(tick.latencyMs) ? readLatency(tick.latencyMs) : undefined,
    samples: Array.isArray(tick.samples) ? tick.samples.flatMap(readStage) : [],
    dropped: numberAt(tick, 'dropped') ?? 0,
  };
}

export function countsFrom(count: (name: Counted) => number): Counts {
  return {
    received: count('received'),
    mapped: count('mapped'),
    appended: count('appended'),
    delivered: count('delivered'),
    recovered: count('recovered'),
    dead: count('dead'),
  };
}

function readLatency(latency: JsonObject): Latency | undefined {
  const p50 = numberAt(latency, 'p50');
  const p99 = numberAt(latency, 'p99');
  return p50 === undefined || p99 === undefined ? undefined : { p50, p99 };
}

function readStage(value: unknown): Stage[] {
  if (!isJsonObject(value)) return [];
  const stage = STAGES.find((name) => name === value.stage);
  if (stage === undefined) return [];
  // Of what is no event at all nobody knows the name.
  const event = isJsonObject(value.event) ? value.event : {};
  return [
    {
      stage,
      atMs: numberAt(value, 'atMs') ?? 0,
      event: {
        source: textAt(event, 'source') ?? '',
        id: textAt(event, 'id') ?? '',
        type: textAt(event, 'type') ?? '',
      },
      audience: textAt(value, 'audience'),
      audiences: textsAt(value, 'audiences'),
      count: numberAt(value, 'count'),
      route: textAt(value, 'route'),
      offset: numberAt(value, 'offset'),
      nodes: numberAt(value, 'nodes'),
      sockets: numberAt(value, 'sockets'),
      latencyMs: numberAt(value, 'latencyMs'),
      reason: textAt(value, 'reason'),
      detail: textAt(value, 'detail'),
      node: textAt(value, 'node') ?? '',
    },
  ];
}
