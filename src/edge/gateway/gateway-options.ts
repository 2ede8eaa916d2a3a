/**
 * What a gateway needs: where notifications come from, who may connect, what each client may cost, and who observes
 * it.
 */
import type { Logger } from 'pino';
import type { ReadEvent } from '../../contract/cloudevent.ts';
import type { Identity, Verify } from '../../contract/token.ts';
import type { GivenDepartments } from '../../operate/access/departments.ts';
import type { Inbox } from '../../pipeline/inbox/inbox.ts';
import type { RecentEntries } from '../../pipeline/inbox/recent-entries.ts';
import type { UserInbox } from '../../pipeline/inbox/user-inbox.ts';
import type { EventQuota, RequestLimits } from '../limits/request-limits.ts';
import type { Rate } from '../limits/token-bucket.ts';
import type { AdmissionOptions } from './admission.ts';
import type { ConnectionLimits, SharedPlaces } from './connection-limits.ts';
import type { DeliveryObserver } from './delivery-observer.ts';
import type { Live } from './live-messages.ts';
import type { SessionObserver } from './session-observer.ts';
import type { CompressionOptions } from './wire/compression.ts';
import type { Waiter } from './wire/pending.ts';

export interface GatewayOptions {
  readonly store: GatewayStore;
  readonly access: GatewayAccess;
  readonly limits: GatewayLimits;
  /** Resolves once the queue has confirmed the event; rejects when the queue may not have it. */
  readonly publish: (read: ReadEvent) => Promise<void>;
  /** How long a client may take to send its first message, and a connection may stay without a session. */
  readonly handshakeMs: number;
  /** How often a feed is compared with the head of its log. */
  readonly checkMs: number;
  readonly compression: Pick<CompressionOptions, 'thresholdBytes' | 'level'>;
  /** Whether the browser client is served at /socket.io/socket.io.esm.min.js. */
  readonly serveClient: boolean;
  /** Observers of sessions. */
  readonly sessions: readonly SessionObserver[];
  /** Observers of deliveries. */
  readonly deliveries: readonly DeliveryObserver[];
  readonly log: Logger;
  /** The clock that all processes share: notifications expire by it, and sessions begin. */
  readonly now: () => number;
}

/** Where notifications come from. */
interface GatewayStore {
  readonly live: Live;
  readonly inbox: Inbox;
  readonly userInbox: UserInbox;
  /** What the inbox has in memory of the rooms that the gateway hosts. Undefined: nothing. */
  readonly recent?: RecentEntries | undefined;
}

/** Who may connect, and as whom. */
interface GatewayAccess {
  readonly verify: Verify;
  readonly isRevoked: (identity: Identity) => boolean;
  readonly departments: GivenDepartments;
  readonly allowedOrigins: readonly string[];
  readonly consolePort?: AdmissionOptions['consolePort'];
  readonly addresses: AdmissionOptions['addresses'];
  /** Called with the code when a connection or a handshake is refused. */
  readonly onRefused: (code: string) => void;
}

interface GatewayLimits {
  readonly connections: ConnectionLimits;
  /** How many connections a user may have to all nodes. Undefined: no such limit. */
  readonly sharedPlaces?: SharedPlaces | undefined;
  readonly requests: RequestLimits;
  /** How many events a user may publish. */
  readonly events: EventQuota;
  /** Most notifications that are recovered for one audience. */
  readonly maxRecovered: number;
  /** How many messages one client may send. */
  readonly messages: Rate;
  readonly maxMessageBytes: number;
  /** Largest event that a client may publish. */
  readonly maxEventBytes: number;
  readonly maxTopics: number;
  /** How many bytes may wait for a client that does not read. */
  readonly maxPendingBytes: number;
  /** The same for all clients together. */
  readonly maxPendingTotalBytes: number;
  /** Others for whom bytes wait, besides the gateway's own sockets. */
  readonly otherWaiters: () => Iterable<Waiter>;
  /**
   * Largest answer with what a client missed. MUST leave room in `maxPendingBytes` for everything else that is sent.
   */
  readonly maxAnswerBytes: number;
}
