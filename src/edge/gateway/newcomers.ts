/**
 * Who entered a feed lately. What the feed had passed on before may have been lost from the log by then; when it is
 * appended again those who were there have it, and the newcomers do not.
 */

interface Newcomer {
  readonly id: string;
  readonly offset: number;
  /** The log was found in step since. */
  isSure: boolean;
}

export class Newcomers {
  #all: readonly Newcomer[] = [];

  /** `offset`: where it entered. */
  add(id: string, offset: number): void {
    if (offset > 0) this.#all = [...this.#all, { id, offset, isSure: false }];
  }

  /** The log holds all that was passed on. Who came before the time before was told the truth. */
  inStep(): void {
    if (this.#all.length === 0) return;
    this.#all = this.#all.filter(({ isSure }) => !isSure);
    for (const newcomer of this.#all) newcomer.isSure = true;
  }

  /** Forgets all, and gives those that entered behind this offset. */
  takeBehind(offset: number): readonly string[] {
    const all = this.#all;
    this.#all = [];
    return all.filter((newcomer) => newcomer.offset > offset).map(({ id }) => id);
  }
}
