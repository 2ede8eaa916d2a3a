/** Directives within one process: embedded mode. */
import type { Directive } from './admin-command.ts';
import type { DirectiveLog, Kept, Place } from './admin-command-log.ts';

export class MemoryDirectiveLog implements DirectiveLog {
  readonly #kept: Kept[] = [];
  #listener = () => {};

  async append(directive: Directive): Promise<void> {
    this.#kept.push({ place: String(this.#kept.length + 1), directive });
    this.#listener();
  }

  async read(after: Place | undefined): Promise<readonly Kept[]> {
    return this.#kept.slice(Number(after ?? 0));
  }

  onNew(listener: () => void): void {
    this.#listener = listener;
  }
}
