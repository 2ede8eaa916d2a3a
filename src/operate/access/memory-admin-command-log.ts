/** Admin commands within one process: embedded mode. */
import type { AdminCommand } from './admin-command.ts';
import type { AdminCommandLog, CommandPlace, Kept } from './admin-command-log.ts';

export class MemoryAdminCommandLog implements AdminCommandLog {
  readonly #kept: Kept[] = [];
  #listener = () => {};

  async append(command: AdminCommand): Promise<void> {
    this.#kept.push({ place: String(this.#kept.length + 1), command });
    this.#listener();
  }

  async read(after: CommandPlace | undefined): Promise<readonly Kept[]> {
    return this.#kept.slice(Number(after ?? 0));
  }

  onNew(listener: () => void): void {
    this.#listener = listener;
  }
}
