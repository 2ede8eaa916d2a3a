/** How published notifications reach this node: the gateway's side of the inbox's publishing. */
import type { Namespace } from 'socket.io';
import type { Adapter } from 'socket.io-adapter';
import type { Audience } from '../../contract/audience.ts';
import {
  decodeLiveMessage,
  decodeMarksMessage,
  type LiveMessage,
  type MarksMessage,
} from '../../pipeline/inbox/live-message.ts';

/** What the transport calls. */
export interface Receiver {
  notification(audience: Audience, message: LiveMessage): void;
  marks(audience: Audience, message: MarksMessage): void;
  /** Messages may have been lost: the transport was away. Every subscription is in force again. */
  gap(): void;
}

/** Redis implements it (redis-live-messages.ts), and so does this process's memory (memory-live-messages.ts). */
export interface Live {
  /**
   * The Socket.IO adapter that subscribes to each hosted room. It MUST pass every message that is published to a
   * hosted room to the receiver, in the order in which the transport delivers them. It may lose messages; the feed
   * makes up for that.
   */
  adapterFor(namespace: Namespace, receiver: Receiver): Adapter;

  /**
   * Resolves once the subscription to a hosted room is in force: what is published from then on arrives. Waits while
   * the transport is away.
   */
  inForce(room: string): Promise<void>;
}

/** Passes bytes that were published to a room to the receiver. Returns false when they are not a message of ours. */
export function handOver(receiver: Receiver, audience: Audience, bytes: Buffer): boolean {
  const message = decodeLiveMessage(bytes);
  if (message !== undefined) {
    receiver.notification(audience, message);
    return true;
  }
  const marks = decodeMarksMessage(bytes);
  if (marks !== undefined) receiver.marks(audience, marks);
  return marks !== undefined;
}
