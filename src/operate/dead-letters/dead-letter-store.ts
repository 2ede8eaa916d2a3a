/** Where dead letters lie: the contract that RabbitMQ's queue and embedded mode's list both keep. */
import type { MessageProperties } from 'amqplib';

/** A message as it came, with what was said of it when it became a dead letter. */
export interface StoredDeadLetter {
  readonly content: Buffer;
  readonly fields: { readonly routingKey: string };
  readonly properties: Readonly<Partial<MessageProperties>>;
}

export interface Taken {
  readonly deadLetter: StoredDeadLetter;
  /** Settles it. Valid only with the {@link Lease} that it came from. */
  readonly tag: number;
}

/** Holds the dead letters for one operator at a time. Those that are not settled stay in the queue. */
export interface Lease {
  /** The next one; undefined when all are in hand. Rejects with {@link DeadLettersUnavailable}. */
  next(): Promise<Taken | undefined>;
  /** Takes it away for good. */
  settle(tag: number): void;
  /** MUST be called. Puts back what was not settled, and resolves when the next operator would see it. Never rejects. */
  close(): Promise<void>;
}

export interface DeadLetterStore {
  /** Rejects with {@link DeadLettersUnavailable}; waits a while for another who has them in hand. */
  take(): Promise<Lease>;
  /** Whether the event would go on its way whole: its attributes may be more than fits, or such as cannot be written. */
  canSendAgain(deadLetter: StoredDeadLetter): boolean;
  /** Sends the event on its way again. Resolves once the queue has confirmed it, and rejects when it may not have it. */
  sendAgain(deadLetter: StoredDeadLetter): Promise<void>;
  /** Adds one. Resolves once it is confirmed, and rejects when it may not be there. */
  keep(deadLetter: StoredDeadLetter): Promise<void>;
}

type DeadLettersErrorCode = 'broker_unavailable' | 'dead_letters_busy';

export class DeadLettersUnavailable extends Error {
  readonly code: DeadLettersErrorCode;

  constructor(code: DeadLettersErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
