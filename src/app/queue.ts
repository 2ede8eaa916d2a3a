/** Where events wait until they are settled: RabbitMQ, or a queue within this process. */
import type { ReadEvent } from '../contract/cloudevent.ts';
import type { Probe } from '../observe/health.ts';
import type { Waiting } from '../observe/outcomes/explain.ts';
import type { QueueFacts } from '../observe/queues-report.ts';
import type { DeadLetterStore } from '../operate/dead-letters/dead-letter-store.ts';
import type { EventObservers } from '../pipeline/event-observer.ts';
import type { Handle } from '../pipeline/ingest/settlement.ts';
import type { Source } from '../pipeline/sources/source.ts';

/** What is done with an event from the queue, and its observers. */
export interface Delivery {
  readonly handle: Handle;
  readonly observers: EventObservers;
}

/** The queues over which events are spread. */
export interface Partitions {
  readonly count: number;
  /** Publishes past what spreads events. Resolves with false when there is no such partition now. */
  publish(partition: number, read: ReadEvent): Promise<boolean>;
}

/** What was found out about RabbitMQ's queues. */
export interface QueuesLook {
  /** When RabbitMQ was asked, by this process's own clock. */
  readonly countedAtMs: number;
  readonly doCanariesOvertake: boolean;
  readonly queues: readonly Omit<QueueFacts, 'canary'>[];
}

export interface Queue {
  publish(read: ReadEvent): Promise<void>;
  /** Undefined for one queue. */
  readonly partitions: Partitions | undefined;
  readonly probes: Readonly<Record<string, Probe>>;
  /** Events that wait for a consumer; undefined when RabbitMQ does not answer. */
  waiting(): Promise<Waiting | undefined>;
  /** The number of dead letters; undefined when RabbitMQ does not answer. */
  dead(): Promise<number | undefined>;
  /** Rejects when RabbitMQ answers about no queue. Undefined when events wait within this process. */
  readonly look: (() => Promise<QueuesLook>) | undefined;
  readonly deadLetterStore: DeadLetterStore;
  /**
   * Messages that are read from now on are read by these sources.
   * @throws {NotUsable} when RabbitMQ does not allow one that is new; then everything is as it was
   */
  useSources(sources: readonly Source[]): Promise<void>;
  /** Takes no more events, and resolves when those under way are settled. */
  drain(): Promise<void>;
}
