/** Where events wait until they are settled: RabbitMQ, or a queue within this process. And what it does with them. */
import type { ReadEvent } from '../contract/cloudevent.ts';
import type { Probe } from '../observe/health.ts';
import type { DeadLetterStore } from '../operate/dead-letters/dead-letter-store.ts';
import type { EventObservers } from '../pipeline/event-observer.ts';
import type { Handle } from '../pipeline/ingest/settlement.ts';

/** What becomes of an event that is taken from the queue, and who is told of it. */
export interface Delivery {
  readonly handle: Handle;
  readonly observers: EventObservers;
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
