/** Remembers what users fetched over HTTP and which signals were published. A port. */
import type { Audience } from '../contract/audience.ts';
import type { Cursor } from '../contract/notification.ts';

/** Redis implements it (redis-unreached-memory.ts), and so does this process's memory (local-unreached-memory.ts). */
export interface UnreachedMemory {
  /**
   * `head`: the end of the log that the user was shown. Nothing waits for this; if it is lost, one signal too many is
   * sent.
   */
  fetched(audience: Audience, head: Cursor): void;

  /** EMPTY_HEAD when nothing is known. MUST reject when the store does not answer. */
  fetchedUpTo(audience: Audience): Promise<Cursor>;

  /** MUST reject when the store does not answer. */
  isSignalled(audience: Audience, place: Cursor): Promise<boolean>;

  /** MUST reject when it may not be stored. */
  signalled(audience: Audience, place: Cursor): Promise<void>;
}

export interface UnreachedMemoryLimits {
  readonly fetchedKeptMs: number;
  /** MUST be longer than the time in which an event can be delivered and scheduled again. */
  readonly signalledKeptMs: number;
}
