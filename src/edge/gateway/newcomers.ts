/**
 * Which subscribers entered a feed recently. The log may already have lost what the feed had passed on before they
 * entered. When those entries are appended again, earlier subscribers have them and the newcomers do not.
 */

interface Newcomer {
  readonly id: string;
  readonly offset: number;
  /** A later check found the log in step with the feed. */
  isSure: boolean;
}

/** Shared: there is a feed for every connected user. */
const NONE: readonly Newcomer[] = [];

export class Newcomers {
  #all = NONE;

  /** `offset`: the feed's offset when the subscriber entered. */
  add(id: string, offset: number): void {
    if (offset > 0) this.#all = [...this.#all, { id, offset, isSure: false }];
  }

  /**
   * The log holds everything that was passed on. Subscribers that entered before the previous check are no newcomers
   * any more.
   */
  inStep(): void {
    if (this.#all.length === 0) return;
    const left = this.#all.filter(({ isSure }) => !isSure);
    for (const newcomer of left) newcomer.isSure = true;
    this.#all = left.length === 0 ? NONE : left;
  }

  /** Forgets all newcomers, and returns those that entered after this offset. */
  takeBehind(offset: number): readonly string[] {
    const all = this.#all;
    this.#all = NONE;
    return all.filter((newcomer) => newcomer.offset > offset).map(({ id }) => id);
  }
}
