/**
 * One log on two machines of which one serves it, and everything that may happen to it: the other falls behind and
 * takes over, comes back, a backup is restored, somebody removes keys. Two implementations: Redis, and a model of it.
 */
import type { Appended, Inbox } from '../../src/pipeline/inbox/inbox.ts';

export const AUDIENCE = 'user:1';

/** What somebody removes of a log under a running Redis. */
export const REMOVABLE = ['head', 'meta', 'log', 'log and meta', 'everything'] as const;

export type Removable = (typeof REMOVABLE)[number];

export interface SharedLog {
  /** Asks whichever machine serves. */
  readonly inbox: Inbox;
  append(ids: readonly string[]): Promise<readonly Appended[]>;
  /** The other machine gets all that the serving one has. */
  replicate(): Promise<void>;
  /** The other machine takes over, with what it has; the one before becomes its replica, which may fall behind. */
  failOver(): Promise<void>;
  /** The serving process ends and another one begins, with all of it. */
  restart(): Promise<void>;
  backUp(): Promise<void>;
  /** The serving process ends, and another one begins with the backup, or with nothing. */
  restore(): Promise<void>;
  remove(what: Removable): Promise<void>;
}
