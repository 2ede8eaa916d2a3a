/** How what appends publish to a room comes to this node: the gateway's side of the inbox's publishing. */
import type { Namespace } from 'socket.io';
import type { Adapter } from 'socket.io-adapter';
import type { Audience } from '../../contract/audience.ts';
import {
  decodeLiveMessage,
  decodeMarksMessage,
  type LiveMessage,
  type MarksMessage,
} from '../../pipeline/inbox/live-message.ts';

/** Where the transport hands over what comes. */
export interface Receiver {
  notification(audience: Audience, message: LiveMessage): void;
  marks(audience: Audience, message: MarksMessage): void;
  /** Messages may have been lost: the transport was away, and every subscription is in force again. */
  gap(): void;
}

/** One implementation goes through Redis (redis-live.ts), one stays in this process (memory-live.ts). */
export interface Live {
  /**
   * The Socket.IO adapter that makes hosting a room subscribe to it. It MUST hand every message that is
   * published to a hosted room to the receiver, in the order of publishing as far as the transport keeps it; it may
   * lose messages, and the feed makes up for that.
   */
  adapterFor(namespace: Namespace, receiver: Receiver): Adapter;

  /**
   * Resolves once the subscription of a room that this node hosts is in force: what is published from then on
   * arrives. While the transport is away it waits.
   */
  inForce(room: string): Promise<void>;
}

/** Hands bytes that were published to a room to the receiver; false when they are not ours. */
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
