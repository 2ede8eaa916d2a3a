/** Admin commands within one process: embedded mode. */
import type { AdminCommand } from './admin-command.ts';
import type { AdminCommandLog, CommandPlace, Kept } from './admin-command-log.ts';

export class MemoryAdminCommandLog implements AdminCommandLog {
  #kept: readonly Kept[] = [];
  #lastPlace = 0;
  #listener = () => {};

  async append(command: AdminCommand): Promise<void> {
    this.#lastPlace += 1;
    this.#kept = [...this.#kept, { place: String(this.#lastPlace), command }];
    this.#listener();
  }

  async read(after: CommandPlace | undefined): Promise<readonly Kept[]> {
    return this.#kept.filter(({ place }) => Number(place) > Number(after ?? 0));
  }

  /** All of them are in memory anyway. */
  page(after: CommandPlace | undefined): Promise<readonly Kept[]> {
    return this.read(after);
  }

  async remove(places: readonly CommandPlace[]): Promise<void> {
    this.#kept = this.#kept.filter(({ place }) => !places.includes(place));
  }

  onNew(listener: () => void): void {
    this.#listener = listener;
  }
}
