/** The dead letters of embedded mode: the newest ones, until the process ends. */
import { STRUCTURED_TYPE } from '../../contract/cloudevent.ts';
import type { Event } from '../../contract/event.ts';
import type { Refusal } from '../../contract/refusal.ts';
import { writeEvent } from '../../contract/written.ts';
import type { Letter, Letters, Taking } from './dead-letter-store.ts';
import { reasonHeaders } from './dead-letter-writer.ts';

const MAX_LETTERS = 1_000;

export class MemoryLetters implements Letters {
  readonly #publish: (letter: Letter) => Promise<void>;
  readonly #letters = new Map<number, Letter>();
  #lastTag = 0;
  /** Resolves when nobody has them in hand. */
  #free: Promise<void> = Promise.resolve();

  constructor(publish: (letter: Letter) => Promise<void>) {
    this.#publish = publish;
  }

  bury(event: Event, refusal: Refusal): void {
    this.#lastTag += 1;
    this.#letters.set(this.#lastTag, letterOf(event, reasonHeaders(refusal)));
    const [oldest] = this.#letters.keys();
    if (this.#letters.size > MAX_LETTERS && oldest !== undefined) this.#letters.delete(oldest);
  }

  get size(): number {
    return this.#letters.size;
  }

  async take(): Promise<Taking> {
    const before = this.#free;
    let release = () => {};
    this.#free = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    const waiting = [...this.#letters];
    return {
      next: async () => {
        const [tag, letter] = waiting.shift() ?? [];
        return tag === undefined || letter === undefined ? undefined : { tag, letter };
      },
      settle: (tag) => {
        this.#letters.delete(tag);
      },
      close: async () => release(),
    };
  }

  canSendAgain(): boolean {
    return true;
  }

  async sendAgain(letter: Letter): Promise<void> {
    await this.#publish(letter);
  }
}

/** The message that the event would have been. */
export function letterOf(event: Event, headers: Readonly<Record<string, string>> = {}): Letter {
  return {
    content: Buffer.from(writeEvent(event)),
    fields: { routingKey: event.type },
    properties: { contentType: STRUCTURED_TYPE, contentEncoding: undefined, messageId: undefined, headers },
  };
}
