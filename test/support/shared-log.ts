/**
 * One log on two machines, one of which serves it, and everything that may happen to it: the other machine falls
 * behind, takes over, or comes back; a backup is restored; somebody removes keys. There are two implementations: one on
 * Redis, and a model.
 */
import type { Appended, Inbox } from '../../src/pipeline/inbox/inbox.ts';

export const AUDIENCE = 'user:1';

/** What somebody may remove from a log while Redis is running. */
export const REMOVABLE = ['head', 'meta', 'log', 'log and meta', 'everything'] as const;

export type Removable = (typeof REMOVABLE)[number];

export interface SharedLog {
  /** Asks the machine that serves the log at the time. */
  readonly inbox: Inbox;
  append(ids: readonly string[]): Promise<readonly Appended[]>;
  /** Copies everything from the serving machine to the other one. */
  replicate(): Promise<void>;
  /**
   * The other machine takes over with the data that it has. The former one becomes its replica, and may fall behind.
   */
  failOver(): Promise<void>;
  /** The serving process ends, and another one begins with all of its data. */
  restart(): Promise<void>;
  backUp(): Promise<void>;
  /** The serving process ends, and another one begins with the last backup, or with nothing if there is none. */
  restore(): Promise<void>;
  remove(what: Removable): Promise<void>;
}
