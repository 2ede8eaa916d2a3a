/** What a gateway is given: where notifications come from, who may connect, what each may cost, and who hears of it. */
import type { Logger } from 'pino';
import type { ReadEvent } from '../../contract/cloudevent.ts';
import type { Identity, Verify } from '../../contract/token.ts';
import type { GivenDepartments } from '../../operate/access/departments.ts';
import type { Inbox } from '../../pipeline/inbox/inbox.ts';
import type { UserInbox } from '../../pipeline/inbox/user-inbox.ts';
import type { EventQuota, RequestLimits } from '../limits/request-limits.ts';
import type { Rate } from '../limits/token-bucket.ts';
import type { AdmissionOptions } from './admission.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { DeliveryObserver } from './delivery-observer.ts';
import type { Live } from './live-messages.ts';
import type { SessionObserver } from './session-observer.ts';
import type { CompressionOptions } from './wire/compression.ts';
import type { Waiter } from './wire/pending.ts';

export interface GatewayOptions {
  readonly store: GatewayStore;
  readonly access: GatewayAccess;
  readonly limits: GatewayLimits;
  /** Resolves once the queue has confirmed the event; rejects when it may not have it. */
  readonly publish: (read: ReadEvent) => Promise<void>;
  /** Of the first message of a client, and of a connection that no session is on any more. */
  readonly handshakeMs: number;
  /** How often a feed is compared with the head of its log. */
  readonly checkMs: number;
  readonly compression: Pick<CompressionOptions, 'thresholdBytes' | 'level'>;
  /** Whether the browser client is served at /socket.io/socket.io.esm.min.js. */
  readonly serveClient: boolean;
  /** Who hears what becomes of sessions. */
  readonly sessions: readonly SessionObserver[];
  /** Who hears what becomes of notifications. */
  readonly deliveries: readonly DeliveryObserver[];
  readonly log: Logger;
  /** The time that all processes go by: notifications expire by it, and sessions begin. */
  readonly now: () => number;
}

/** Where notifications come from. */
interface GatewayStore {
  readonly live: Live;
  readonly inbox: Inbox;
  readonly userInbox: UserInbox;
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
  readonly requests: RequestLimits;
  /** Of what a user publishes. */
  readonly events: EventQuota;
  /** Most notifications that are recovered of one audience. */
  readonly maxRecovered: number;
  /** Of one client. */
  readonly messages: Rate;
  readonly maxMessageBytes: number;
  /** Of what clients publish. */
  readonly maxEventBytes: number;
  readonly maxTopics: number;
  /** What may wait for a client that does not take what it is sent. */
  readonly maxPendingBytes: number;
  /** For all of them together. */
  readonly maxPendingTotalBytes: number;
  /** For whom something waits besides those that the gateway writes to. */
  readonly otherWaiters: () => Iterable<Waiter>;
  /** Of what a client missed. MUST leave room in `maxPendingBytes` for what else is sent. */
  readonly maxAnswerBytes: number;
}
