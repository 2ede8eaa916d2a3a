/**
 * The values that a scrape reads from the parts of the service. A part that this process does not have, or that
 * cannot answer, has no samples.
 */
import { getHeapStatistics } from 'node:v8';
import type { HealthReport } from '../contract/health.ts';
import { type Family, Gauge, type Sample } from './instruments.ts';
import { linesLost } from './log-output.ts';

interface QueueState {
  readonly queue: string;
  /** Ready to be delivered; without those that a consumer is working on. */
  readonly messages: number;
  /** Consumers that get messages; without those on standby. */
  readonly consumers: number;
}

interface ConsumerState {
  /** Whether RabbitMQ gives events to this consumer. */
  readonly isActive: boolean;
  /** Those that it is subscribed to, and whether RabbitMQ gives it their events. */
  readonly queues: readonly { readonly queue: string; readonly isActive: boolean }[];
  readonly inHand: number;
  /** Age of the event that this consumer has been working on for longest; 0 when there is none. */
  readonly oldestAgeMs: number;
}

/** Each one is read at each scrape, so it MUST be cheap and MUST answer soon. */
export interface Sources {
  readonly health: () => HealthReport;
  readonly pendingBytes: () => { readonly sum: number; readonly largest: number; readonly memory: number };
  readonly queues: () => Promise<readonly QueueState[]>;
  readonly consumer: () => ConsumerState;
  /** Each source in SOURCES_FILE, with why it is not connected. */
  readonly connectedSources: () => readonly {
    readonly source: string;
    readonly trouble: string | undefined;
  }[];
  /** Whether each leg of the canary's way works. Empty until a canary has come back or failed. */
  readonly canary: () => Readonly<Record<string, boolean>>;
}

export interface NodeInfo {
  readonly node: string;
  readonly version: string;
  readonly roles: string;
}

/** `sources` is read each time, because parts start one after the other. */
export function gaugesOf(
  info: NodeInfo,
  sources: () => Partial<Sources>,
  connected: () => number,
): readonly Gauge[] {
  const one = (value: number | undefined): Sample[] => (value === undefined ? [] : [{ value }]);
  const health = () => sources().health?.();
  const pending = once(() => sources().pendingBytes?.());
  const queues = async (figure: 'messages' | 'consumers') =>
    ((await sources().queues?.()) ?? []).map((state) => ({
      labels: { queue: state.queue },
      value: state[figure],
    }));
  const consumer = () => sources().consumer?.();
  return [
    new Gauge('carillon_node_info', 'Which process this is; always 1.', ['node', 'version', 'roles'], () => [
      { labels: { ...info }, value: 1 },
    ]),
    new Gauge('carillon_ready', '1 when events get through now, as /health/ready tells.', [], () =>
      one(health() === undefined ? undefined : Number(health()?.status === 'ready')),
    ),
    new Gauge('carillon_part_up', '1 for each part of readiness that works.', ['part'], () =>
      Object.entries(health()?.parts ?? {}).map(([part, { ok }]) => ({
        labels: { part },
        value: Number(ok),
      })),
    ),
    new Gauge('carillon_canary_up', '1 for each leg of the canary that has not failed.', ['leg'], () =>
      Object.entries(sources().canary?.() ?? {}).map(([leg, ok]) => ({ labels: { leg }, value: Number(ok) })),
    ),
    new Gauge('carillon_connected_sockets', 'Sockets connected now.', [], () => one(connected())),
    new Gauge('carillon_pending_bytes', 'Bytes that wait for clients to take them.', [], () =>
      one(pending()?.sum),
    ),
    new Gauge('carillon_pending_bytes_largest', 'The same of the client that is most behind.', [], () =>
      one(pending()?.largest),
    ),
    new Gauge(
      'carillon_pending_memory_bytes',
      'The memory that it takes: what waits for several is there once.',
      [],
      () => one(pending()?.memory),
    ),
    new Gauge('carillon_queue_messages', 'Messages ready in a queue of RabbitMQ.', ['queue'], () =>
      queues('messages'),
    ),
    new Gauge(
      'carillon_queue_consumers',
      'Consumers that a queue of RabbitMQ gives messages to.',
      ['queue'],
      () => queues('consumers'),
    ),
    new Gauge('carillon_consumer_active', '1 when RabbitMQ gives the events to this process.', [], () =>
      one(consumer() === undefined ? undefined : Number(consumer()?.isActive)),
    ),
    new Gauge(
      'carillon_consumer_queue_active',
      '1 for each queue of Carillon whose events RabbitMQ gives to this process, 0 for one that it stands by for.',
      ['queue'],
      () =>
        (consumer()?.queues ?? []).map(({ queue, isActive }) => ({
          labels: { queue },
          value: Number(isActive),
        })),
    ),
    new Gauge(
      'carillon_source_connected',
      '1 for each source that this consumer is bound to or consumes, 0 for one that it waits for.',
      ['source'],
      () =>
        (sources().connectedSources?.() ?? []).map(({ source, trouble }) => ({
          labels: { source },
          value: Number(trouble === undefined),
        })),
    ),
    new Gauge('carillon_consumer_events_in_hand', 'Events received and not settled yet.', [], () =>
      one(consumer()?.inHand),
    ),
    new Gauge(
      'carillon_consumer_oldest_age_seconds',
      'How long ago the event that is in hand for the longest was published.',
      [],
      () => {
        const state = consumer();
        return one(state === undefined ? undefined : state.oldestAgeMs / 1_000);
      },
    ),
    new Gauge('carillon_heap_limit_bytes', 'At which size of its heap the process ends.', [], () => [
      { value: getHeapStatistics().heap_size_limit },
    ]),
  ];
}

const LOST = 'carillon_log_lines_lost_total';

/** The log counts these itself, because it exists before the metrics. */
export const LOG_LINES_LOST: Family = {
  name: LOST,
  help: 'Log lines that could not be written.',
  type: 'counter',
  labelNames: [],
  lines: () => [`${LOST} ${linesLost()}`],
};

/** Reads once for all gauges of one scrape, which are read in the same turn of the event loop. */
function once<T>(look: () => T): () => T {
  let seen: { readonly value: T } | undefined;
  return () => {
    if (seen === undefined) {
      seen = { value: look() };
      queueMicrotask(() => {
        seen = undefined;
      });
    }
    return seen.value;
  };
}
