/** Where commands are kept until no token that they speak of can be valid: one log for all nodes. */
import type { AdminCommand } from './admin-command.ts';

/** A place in the log; only the log that gave it knows what it means. */
export type CommandPlace = string;

/** One implementation is Redis' (redis-admin-command-log.ts), one is this process's memory (memory-admin-command-log.ts). */
export interface AdminCommandLog {
  /** MUST reject when the command may not have been kept. */
  append(command: AdminCommand): Promise<void>;

  /** Those behind the place, or all, oldest first. MUST reject when they cannot be read. */
  read(after: CommandPlace | undefined): Promise<readonly Kept[]>;

  /** The next of those behind the place, or the first, of a bounded number; none: there are no more. Otherwise as {@link read}. */
  page(after: CommandPlace | undefined): Promise<readonly Kept[]>;

  /** Forgets these. Readers that have not read them yet never learn of them. */
  remove(places: readonly CommandPlace[]): Promise<void>;

  /** Calls back when there may be new ones. MAY forget to: readers also look from time to time. */
  onNew(listener: () => void): void;
}

export interface Kept {
  readonly place: CommandPlace;
  /** Undefined when a newer version wrote it, which this one does not understand. */
  readonly command: AdminCommand | undefined;
}
