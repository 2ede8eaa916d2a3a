/** The port of what a user sees of their inbox. Over Redis or in memory it is one class, `StoredInbox`. */
import type { Audience } from '../../contract/audience.ts';
import type {
  Ahead,
  Counted,
  InboxPage,
  InboxQuery,
  KeptByKind,
  MarkAnswer,
  MarkRequest,
  MarksView,
} from '../../contract/inbox.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { Meter } from './meter.ts';

/** Why a request about the inbox cannot be answered: a value, because it is the client's fault. */
interface InboxRefusal {
  readonly code: 'bad_request' | 'forbidden';
  readonly message: string;
}

export type InboxAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: InboxRefusal };

/**
 * A user's view over the logs that are theirs. `audiences` MUST be those that a verified token gives the user.
 * All methods reject with InboxUnavailable when the store is away, and then may be called again.
 */
export interface UserInbox {
  list(
    user: string,
    audiences: readonly Audience[],
    query: InboxQuery,
    meter?: Meter,
  ): Promise<InboxAnswer<InboxPage>>;

  /** `origin`: the session that asks, which gets no word of its own change. */
  mark(
    user: string,
    audiences: readonly Audience[],
    request: MarkRequest,
    origin: string,
    meter?: Meter,
  ): Promise<InboxAnswer<MarkAnswer>>;

  /**
   * Counts what the logs hold up to the places given, one for each of the user's audiences. The first time that a
   * department is among them, the user belongs to it from its place on.
   */
  open(user: string, places: ReadonlyMap<Audience, Cursor>): Promise<Opened>;

  /** The marks over logs that stand at these places; of other audiences nothing is marked. */
  marks(user: string, places: ReadonlyMap<Audience, Cursor>): Promise<MarksView>;
}

/** What a session begins with. */
export interface Opened extends MarksView {
  /** Undefined, as nearly always, when nothing behind the places is marked. */
  readonly ahead: Ahead | undefined;
  readonly counted: Counted;
  readonly kept: KeptByKind;
}
