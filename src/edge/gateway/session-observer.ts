/**
 * What happens to sessions, for whoever follows them: presence, signals, the log, metrics. Whoever has something else to
 * say about sessions adds an observer, and does not follow sockets by itself.
 *
 * Observers are told in the order in which they are listed, at once, and nothing waits for them. They MUST NOT throw.
 */
import type { Audience } from '../../contract/audience.ts';
import type { Session } from './session.ts';

export interface SessionObserver {
  /** The client is let in, and has been told nothing yet. */
  connected?(session: Session): void;
  /** The client has been told its `session`: where it begins. Again when its departments have changed. */
  notified?(session: Session): void;
  /** A client that polled has a WebSocket now. Only of a session that was notified. */
  upgraded?(session: Session): void;
  joined?(session: Session, audience: Audience): void;
  left?(session: Session, audience: Audience): void;
  /** The client is going, and is still in its rooms. */
  leaving?(session: Session): void;
  /** The client is gone; `session.closeCode` says whether this node sent it away, and why. */
  closed?(session: Session): void;
}
