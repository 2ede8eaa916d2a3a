/** What lies in the store under a user's own name: a port. Redis implements it, and so does this process's memory. */
import type { Cursor } from '../../contract/notification.ts';

/** A part of what has no name that could be known: see `many` in the inventory. */
export interface FoundRecords {
  /** What {@link PersonalRecords.remove} takes. */
  readonly names: readonly string[];
  /** The events whose repeats are recognised. */
  readonly repeats: readonly EventIdentity[];
  readonly unreached: readonly Cursor[];
  /** Where to go on; undefined: this was the last part. */
  readonly next: string | undefined;
}

export interface EventIdentity {
  readonly source: string;
  readonly id: string;
}

/** All reject while the store is away, and may be called again. */
export interface PersonalRecords {
  /** What {@link replaceProgress} has stored of the user's erasure; undefined: none is under way. */
  progress(user: string): Promise<string | undefined>;

  /** Stores how far the erasure has come, or that it is over, in place of `before`. False: something else is there by now. */
  replaceProgress(user: string, before: string | undefined, after: string | undefined): Promise<boolean>;

  /** Removes what has a name that is known, all of it at once: no log without its counters is ever seen. */
  removeNamed(user: string): Promise<void>;

  /**
   * Looks for the rest, a bounded part of all that is stored at a time. Whatever is there from the first part to the last is
   * found, some of it twice.
   */
  search(user: string, from: string | undefined): Promise<FoundRecords>;

  remove(user: string, names: readonly string[]): Promise<void>;

  /** Up to where the user was shown the inbox over HTTP. */
  fetched(user: string): Promise<Cursor | undefined>;
}

/** What {@link identityOf} in pipeline/inbox made. No source holds a space. */
export function eventOfIdentity(identity: string): EventIdentity {
  const at = identity.indexOf(' ');
  return { source: identity.slice(0, at), id: identity.slice(at + 1) };
}
