/**
 * What happens to sessions, for whoever follows them: presence, signals, the log, metrics. Whoever has something else to
 * say about sessions adds an observer, and does not follow sockets by itself.
 *
 * Observers are told in the order in which they are listed, at once, and nothing waits for them. They MUST NOT throw.
 */
import type { Audience } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { GoawayCode } from '../../contract/socket.ts';
import type { Beginning } from './session-beginning.ts';

/** What an observer sees of a session. */
export interface ObservedSession {
  readonly id: string;
  readonly user: string;
  /** The client's own name for it. */
  readonly device: string | undefined;
  readonly address: string;
  readonly transport: string;
  /** How often the client has been told its `session`. */
  readonly timesNotified: number;
  /** Of use once it has been notified. */
  readonly began: Beginning;
  /** Why this node sent the client away; undefined when it did not. */
  readonly closeCode: GoawayCode | undefined;
  /** What Socket.IO says of the end. */
  readonly closeReason: string;
  /** Where the feed of each of its audiences stands. */
  placesNow(): Readonly<Record<string, Cursor>>;
}

export interface SessionObserver {
  /** The client is let in, and has been told nothing yet. */
  connected?(session: ObservedSession): void;
  /** The client has been told its `session`: where it begins. Again when its departments have changed. */
  notified?(session: ObservedSession): void;
  /** A client that polled has a WebSocket now. Only of a session that was notified. */
  upgraded?(session: ObservedSession): void;
  /** A room besides those that it begins with. */
  joined?(session: ObservedSession, audience: Audience): void;
  /** Any room, at its end too. */
  left?(session: ObservedSession, audience: Audience): void;
  /** The client is going, and is still in its rooms. */
  leaving?(session: ObservedSession): void;
  /** The client is gone; `session.closeCode` says whether this node sent it away, and why. */
  closed?(session: ObservedSession): void;
}
