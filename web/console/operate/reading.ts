/** Something read from the service: the value with when it was read, or why it could not be. Never one that is made up. */
import { batch, signal } from '@preact/signals';
import type { Answer } from '../api.ts';
import type { Problem } from '../problem.ts';

export interface Read<T> {
  readonly value: T;
  readonly atMs: number;
}

export class Reading<T> {
  /** The last that was read; undefined: nothing was, which is not the same as nothing being there. */
  readonly last = signal<Read<T> | undefined>(undefined);
  /** Why the newest attempt failed. */
  readonly problem = signal<Problem | undefined>(undefined);
  readonly isReading = signal(false);
  #current = new AbortController();

  /** Takes the place of a read that is under way. What was read before stays until then. */
  async read(ask: (signal: AbortSignal) => Promise<Answer<T>>): Promise<void> {
    this.#current.abort();
    const current = new AbortController();
    this.#current = current;
    this.isReading.value = true;
    const answer = await ask(current.signal);
    if (current.signal.aborted) return;
    batch(() => {
      this.isReading.value = false;
      this.problem.value = answer.ok ? undefined : answer.problem;
      if (answer.ok) this.last.value = { value: answer.value, atMs: Date.now() };
    });
  }

  /** Nothing was read, and nobody is about to. */
  get isUnanswered(): boolean {
    return this.last.peek() === undefined && !this.isReading.peek();
  }

  /** For another question: what was read is no answer to it. */
  forget(): void {
    this.#current.abort();
    batch(() => {
      this.last.value = undefined;
      this.problem.value = undefined;
      this.isReading.value = false;
    });
  }
}
