/**
 * What happens to sessions, for everything that follows them: presence, signals, the log, metrics. Code that needs to
 * know about sessions adds an observer and does not listen to sockets itself.
 *
 * Observers are called synchronously, in the order in which they are listed, and nothing waits for them. They MUST
 * NOT throw.
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
  /** How often the client has been sent its `session`. */
  readonly timesNotified: number;
  /** Meaningful once the client has been notified. */
  readonly began: Beginning;
  /** Its user was erased while it was connected. */
  readonly isErased: boolean;
  /** Why this node sent the client away; undefined when it did not. */
  readonly closeCode: GoawayCode | undefined;
  /** Socket.IO's reason for the disconnect. */
  readonly closeReason: string;
  /** The place of the feed of each of its audiences. */
  placesNow(): Readonly<Record<string, Cursor>>;
}

export interface SessionObserver {
  /** The client has been let in and has not been sent anything yet. */
  connected?(session: ObservedSession): void;
  /** The client has been sent its `session`. Called again when its departments have changed. */
  notified?(session: ObservedSession): void;
  /** A polling client has upgraded to a WebSocket. Called only after `notified`. */
  upgraded?(session: ObservedSession): void;
  /** The session has joined a room in addition to those with which it began. */
  joined?(session: ObservedSession, audience: Audience): void;
  /** The session has left a room, also when it ends. */
  left?(session: ObservedSession, audience: Audience): void;
  /** The client is leaving and is still in its rooms. */
  leaving?(session: ObservedSession): void;
  /** The client has left. `session.closeCode` says whether this node sent it away, and why. */
  closed?(session: ObservedSession): void;
}
