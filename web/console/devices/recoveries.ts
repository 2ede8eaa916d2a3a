/** What a device was told of the time when it was away. */
import { batch, signal } from '@preact/signals';
import type { Notification } from '../../../src/clients/client/connect.ts';
import type { Recovery } from './recovery-words.ts';

/** For so long what was missed is highlighted. */
const HIGHLIGHT_MS = 8_000;
/** What was missed is told at one go: when for so long nothing more came, it was all. */
const QUIET_MS = 100;

export class Recoveries {
  readonly current = signal<Recovery | undefined>(undefined);
  /** Ids of what was missed, for a while. */
  readonly missed = signal<ReadonlySet<string>>(new Set());
  /** Whether somebody switched it off and wants to know, also when nothing was missed. */
  #isExpected = false;
  #count = 0;
  #isComplete = true;
  #highlighting: ReturnType<typeof setTimeout> | undefined;
  #finishing: ReturnType<typeof setTimeout> | undefined;

  /** It comes back because somebody switched it on. */
  expect(): void {
    this.#isExpected = true;
    this.current.value = { status: 'asking', count: 0, isComplete: true };
  }

  /** A session has begun: what was missed is told until `settled`, that of topics last. */
  begin(settled: Promise<unknown>): void {
    this.#count = 0;
    this.#isComplete = true;
    void settled.then(() => this.#finishSoon());
  }

  add({ id }: Notification): void {
    this.#count += 1;
    this.missed.value = new Set([...this.missed.value, id]);
    clearTimeout(this.#highlighting);
    this.#highlighting = setTimeout(() => {
      this.missed.value = new Set();
    }, HIGHLIGHT_MS);
    // Topics tell theirs after the session, each for itself.
    this.#finishSoon();
  }

  lose(): void {
    this.#isComplete = false;
    this.#finishSoon();
  }

  dismiss(): void {
    this.current.value = undefined;
  }

  #finishSoon(): void {
    clearTimeout(this.#finishing);
    this.#finishing = setTimeout(() => this.#finish(), QUIET_MS);
  }

  #finish(): void {
    const isWorthTelling = this.#isExpected || this.#count > 0 || !this.#isComplete;
    if (!isWorthTelling) return;
    batch(() => {
      this.current.value = { status: 'done', count: this.#count, isComplete: this.#isComplete };
      this.#isExpected = false;
    });
  }
}
