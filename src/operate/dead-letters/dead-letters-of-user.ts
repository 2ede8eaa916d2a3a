/**
 * The dead letters of one user, for the erasure and the export of a person's data. RabbitMQ cannot search a queue: all
 * dead letters are taken in hand, one by one, and those of others are given back in their order.
 */
import { type DeadLetterStore, DeadLettersUnavailable, type StoredDeadLetter } from './dead-letter-store.ts';
import { factsOf } from './stored-dead-letter.ts';
import { type WhoseOptions, whoseIs } from './whose-dead-letter.ts';

export interface ErasedDeadLetters {
  readonly scanned: number;
  readonly discarded: number;
  /** Kept for others, without the user's name. */
  readonly rewritten: number;
}

export interface UserDeadLettersOptions extends WhoseOptions {
  readonly store: DeadLetterStore;
}

/** What an export shows of one. */
export interface ExportedDeadLetter {
  readonly id: string;
  readonly reason: string;
  readonly detail: string;
  readonly time?: string | undefined;
  readonly type: string;
  readonly body?: string;
  /** Of a body that is no text. */
  readonly bodyBase64?: string;
}

interface Walk {
  readonly name: string;
  readonly erased: Promise<ErasedDeadLetters>;
  isOver: boolean;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

export class UserDeadLetters {
  readonly #options: UserDeadLettersOptions;
  #walk: Walk | undefined;

  constructor(options: UserDeadLettersOptions) {
    this.#options = options;
  }

  /**
   * Walks through all dead letters, however many there are and however long that takes; nobody need wait for it. A call
   * with the same `name` gets the same walk, until it has failed.
   *
   * @throws {DeadLettersUnavailable}
   */
  erase(user: string, name: string): Promise<ErasedDeadLetters> {
    const known = this.#walk;
    if (known?.name === name) return known.erased;
    if (known !== undefined && !known.isOver)
      throw new DeadLettersUnavailable('dead_letters_busy', "another user's dead letters are being erased");
    const walk: Walk = { name, erased: this.#erase(user), isOver: false };
    this.#walk = walk;
    walk.erased.then(
      () => {
        walk.isOver = true;
      },
      () => {
        if (this.#walk === walk) this.#walk = undefined;
      },
    );
    return walk.erased;
  }

  /**
   * Those of the user among the first `limit`. All are held until the generator ends, and are then given back.
   *
   * @throws {DeadLettersUnavailable}
   */
  async *find(
    user: string,
    limit: number,
  ): AsyncGenerator<ExportedDeadLetter, { readonly isPartial: boolean }> {
    const lease = await this.#options.store.take();
    try {
      for (let scanned = 0; scanned < limit; scanned += 1) {
        const taken = await lease.next();
        if (taken === undefined) return { isPartial: false };
        const { deadLetter } = taken;
        if (whoseIs(deadLetter, user, this.#options).kind !== 'others') yield this.#shown(deadLetter);
      }
      return { isPartial: true };
    } finally {
      await lease.close();
    }
  }

  async #erase(user: string): Promise<ErasedDeadLetters> {
    const { store } = this.#options;
    const lease = await store.take();
    let [scanned, discarded, rewritten] = [0, 0, 0];
    try {
      // Those that are written anew come last, and are not the user's any more.
      for (let taken = await lease.next(); taken !== undefined; taken = await lease.next()) {
        scanned += 1;
        const whose = whoseIs(taken.deadLetter, user, this.#options);
        if (whose.kind === 'others') continue;
        if (whose.kind === 'among others') {
          // Before the other is gone: interrupted in between, both are there, and the next erasure goes on.
          await store.keep(whose.rest);
          rewritten += 1;
        } else discarded += 1;
        lease.settle(taken.tag);
      }
    } finally {
      await lease.close();
    }
    return { scanned, discarded, rewritten };
  }

  #shown(deadLetter: StoredDeadLetter): ExportedDeadLetter {
    const { id, reason, detail, time, type } = factsOf(deadLetter, this.#options.reader);
    const { content } = deadLetter;
    return { id, reason, detail, ...(time === undefined ? {} : { time }), type, ...bodyOf(content) };
  }
}

function bodyOf(content: Buffer): Pick<ExportedDeadLetter, 'body' | 'bodyBase64'> {
  try {
    return { body: utf8.decode(content) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { bodyBase64: content.toString('base64') };
  }
}
