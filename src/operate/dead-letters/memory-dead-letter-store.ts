/** The dead letters of embedded mode: the newest ones, until the process ends. */
import { STRUCTURED_TYPE } from '../../contract/cloudevent.ts';
import type { Event } from '../../contract/event.ts';
import type { Refusal } from '../../contract/refusal.ts';
import { writeEvent } from '../../contract/written.ts';
import type { DeadLetterStore, Lease, StoredDeadLetter } from './dead-letter-store.ts';
import { reasonHeaders } from './dead-letter-writer.ts';

const MAX_DEAD_LETTERS = 1_000;

export class MemoryDeadLetterStore implements DeadLetterStore {
  readonly #publish: (deadLetter: StoredDeadLetter) => Promise<void>;
  readonly #deadLetters = new Map<number, StoredDeadLetter>();
  #lastTag = 0;
  /** Resolves when nobody has them in hand. */
  #free: Promise<void> = Promise.resolve();

  constructor(publish: (deadLetter: StoredDeadLetter) => Promise<void>) {
    this.#publish = publish;
  }

  add(event: Event, refusal: Refusal): void {
    this.#add(deadLetterOf(event, reasonHeaders(refusal)));
  }

  async keep(deadLetter: StoredDeadLetter): Promise<void> {
    this.#add(deadLetter);
  }

  #add(deadLetter: StoredDeadLetter): void {
    this.#lastTag += 1;
    this.#deadLetters.set(this.#lastTag, deadLetter);
    const [oldest] = this.#deadLetters.keys();
    if (this.#deadLetters.size > MAX_DEAD_LETTERS && oldest !== undefined) this.#deadLetters.delete(oldest);
  }

  get size(): number {
    return this.#deadLetters.size;
  }

  async take(): Promise<Lease> {
    const before = this.#free;
    let release = () => {};
    this.#free = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    const waiting = [...this.#deadLetters];
    return {
      next: async () => {
        const [tag, deadLetter] = waiting.shift() ?? [];
        return tag === undefined || deadLetter === undefined ? undefined : { tag, deadLetter };
      },
      settle: (tag) => {
        this.#deadLetters.delete(tag);
      },
      close: async () => release(),
    };
  }

  canSendAgain(): boolean {
    return true;
  }

  async sendAgain(deadLetter: StoredDeadLetter): Promise<void> {
    await this.#publish(deadLetter);
  }
}

/** The message that the event would have been. */
export function deadLetterOf(event: Event, headers: Readonly<Record<string, string>> = {}): StoredDeadLetter {
  return {
    content: Buffer.from(writeEvent(event)),
    fields: { routingKey: event.type },
    properties: { contentType: STRUCTURED_TYPE, contentEncoding: undefined, messageId: undefined, headers },
  };
}
