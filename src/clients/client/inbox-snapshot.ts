/** What the inbox shows: one object, until something changes. */
import type { InboxItem } from './notification.ts';

export interface InboxSnapshot {
  /** Newest first; of one collapse key of a source in an audience the newest. */
  readonly list: readonly InboxItem[];
  /** Exact up to 100, and no more than that; `unread` only once it is known. */
  readonly unseen: number;
  readonly unread: number;
  /** Whether `loadMore()` would bring older ones. */
  readonly hasMore: boolean;
}
