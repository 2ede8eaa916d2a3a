/** What is remembered of users' fetches over HTTP and of signals that were published: a contract. */
import type { Audience } from '../contract/audience.ts';
import type { Cursor } from '../contract/notification.ts';

/** One implementation is Redis (redis-unreached-memory.ts), one this process itself (local-unreached-memory.ts). */
export interface UnreachedMemory {
  /** `head`: where the log ended that the user was shown. Nothing waits for it: lost, a signal is one too many. */
  fetched(audience: Audience, head: Cursor): void;

  /** EMPTY_HEAD when nothing is known. MUST reject when it cannot be said. */
  fetchedUpTo(audience: Audience): Promise<Cursor>;

  /** MUST reject when it cannot be said. */
  isSignalled(audience: Audience, place: Cursor): Promise<boolean>;

  /** MUST reject when it may not be remembered. */
  signalled(audience: Audience, place: Cursor): Promise<void>;
}

export interface UnreachedMemoryLimits {
  readonly fetchedKeptMs: number;
  /** MUST be longer than a repeat of an event may come and be scheduled once more. */
  readonly signalledKeptMs: number;
}
