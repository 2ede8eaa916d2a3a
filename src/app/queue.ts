/** Where events wait until they are settled: RabbitMQ, or a queue within this process. And what it does with them. */
import type { ReadEvent } from '../contract/cloudevent.ts';
import type { Probe } from '../observe/health.ts';
import type { DeadLetterStore } from '../operate/dead-letters/dead-letter-store.ts';
import type { Handle, Settlement } from '../pipeline/ingest/settlement.ts';
import type { ActivityRecorder } from './activity-recorder.ts';

/** What becomes of an event that is taken from the queue, and who is told when it is settled. */
export interface Delivery {
  readonly handle: Handle;
  /** `tookMs`: since it was received; left out where that is not measured. */
  readonly onSettled: (settlement: Settlement, tookMs?: number) => void;
  /** Undefined when there is no console. */
  readonly activity: ActivityRecorder | undefined;
}

export interface Queue {
  publish(read: ReadEvent): Promise<void>;
  readonly probes: Readonly<Record<string, Probe>>;
  /** What waits for a consumer, and how many there are; undefined when RabbitMQ does not say. */
  waiting(): Promise<{ readonly events: number; readonly consumers: number } | undefined>;
  /** How many dead letters lie there; undefined when RabbitMQ does not say. */
  dead(): Promise<number | undefined>;
  /** The dead ones. */
  readonly deadLetterStore: DeadLetterStore;
  /** Takes nothing new, and resolves when what is in hand is settled. */
  drain(): Promise<void>;
}
