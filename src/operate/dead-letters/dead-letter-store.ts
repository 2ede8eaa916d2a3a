/** Where dead letters lie: the contract that RabbitMQ's queue and embedded mode's list both keep. */
import type { MessageProperties } from 'amqplib';

/** A message as it came, with what was said of it when it became a dead letter. */
export interface Letter {
  readonly content: Buffer;
  readonly fields: { readonly routingKey: string };
  readonly properties: Readonly<
    Pick<MessageProperties, 'contentType' | 'contentEncoding' | 'headers' | 'messageId'>
  >;
}

export interface Taken {
  readonly letter: Letter;
  /** What it is settled by; of use only with the same {@link Taking}. */
  readonly tag: number;
}

/** Dead letters in hand. Nobody else has any in hand meanwhile, and what is not settled lies where it was. */
export interface Taking {
  /** The next one; undefined when all are in hand. Rejects with {@link LettersUnavailable}. */
  next(): Promise<Taken | undefined>;
  /** Takes it away for good. */
  settle(tag: number): void;
  /** MUST be called. Puts back what was not settled, and resolves when the next operator would see it. Never rejects. */
  close(): Promise<void>;
}

export interface Letters {
  /** Rejects with {@link LettersUnavailable}; waits a while for another who has them in hand. */
  take(): Promise<Taking>;
  /** Whether the event would go on its way whole: its attributes may be more than fits, or such as cannot be written. */
  canSendAgain(letter: Letter): boolean;
  /** Sends the event on its way again. Resolves once the queue has confirmed it, and rejects when it may not have it. */
  sendAgain(letter: Letter): Promise<void>;
}

type LettersErrorCode = 'broker_unavailable' | 'dead_letters_busy';

export class LettersUnavailable extends Error {
  readonly code: LettersErrorCode;

  constructor(code: LettersErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
