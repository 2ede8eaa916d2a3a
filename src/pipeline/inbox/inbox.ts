/** The inbox's contract: one durable, bounded log per audience. Redis and memory implement it. */
import { type Audience, type AudienceKind, audienceKind, isOwn } from '../../contract/audience.ts';
import type { Cursor, Envelope, Notification, NotificationText } from '../../contract/notification.ts';
import type { Incarnation } from './incarnations.ts';

/** One event on its way into one audience's log. */
export interface Entry {
  /** Identity of the event; a second entry with the same one is a repeat. `source` holds no spaces. */
  readonly source: string;
  readonly id: string;
  readonly text: NotificationText;
  /** When the notification stops being of use, in milliseconds since 1970; absent: never. */
  readonly expiresAtMs?: number | undefined;
  /** Whether this event was chosen for the sampled log; travels to every gateway. */
  readonly sampled: boolean;
  /** Whether its trace goes on; travels to every gateway. */
  readonly traced?: boolean | undefined;
  /** When its event was published, in milliseconds since 1970; travels to every gateway, for measuring. */
  readonly publishedAtMs?: number | undefined;
  /** Of the entries with one key only the newest is shown. */
  readonly collapseKey?: string | undefined;
  /** The identity (`<source> <id>`) of the event that this one takes back. */
  readonly retracts?: string | undefined;
  /** The type of the route that led to this audience; absent when the event named it itself. */
  readonly route?: string | undefined;
}

/** What identifies an event among all others; neither part can hold the space between them twice. */
export function identityOf({ source, id }: { readonly source: string; readonly id: string }): string {
  return `${source} ${id}`;
}

/** What a collapse key is unique with: services must not replace each other's notifications. */
export function collapseKeyOf(event: { readonly source: string; readonly collapsekey?: string | undefined }) {
  return event.collapsekey === undefined ? undefined : `${event.source} ${event.collapsekey}`;
}

/** The identity of the event that a retraction takes back. */
export function retractedBy({
  source,
  data = {},
}: Pick<Notification, 'source' | 'data'>): string | undefined {
  const { id, source: of = source } = data;
  return typeof id === 'string' && typeof of === 'string' ? identityOf({ source: of, id }) : undefined;
}

/** Where an entry stands in the log after an append. */
export interface Appended extends Cursor {
  /** True when the log had the event already; then nothing was written or published. */
  readonly repeat: boolean;
  /** How many gateways host the audience and were handed the notification; 0 for a repeat. */
  readonly gateways: number;
}

/** Where an event came to stand in a log, as long as its repeats are recognised; the log may not hold it any more. */
export interface Place {
  readonly offset: number;
  readonly route: string | undefined;
  /** Undefined when it is not known that it was published: then gateways found it by themselves. */
  readonly gateways: number | undefined;
}

/** A notification as the log keeps it. */
export interface Stored extends Cursor {
  /** The notification's JSON, byte for byte as it was published. */
  readonly json: string;
  /** When it was appended, in milliseconds since 1970; never decreases within a log. */
  readonly appendedAtMs: number;
  readonly expiresAtMs?: number | undefined;
}

/** A log's entry without its data: all that decides whether it is shown, and where. */
export interface StoredEnvelope extends Omit<Stored, 'json'> {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** As {@link identityOf} makes it. */
  readonly identity: string;
  /** As {@link collapseKeyOf} makes it. */
  readonly collapseKey: string | undefined;
}

export function storedEnvelopeOf(
  { id, source, type, collapsekey }: Envelope,
  { epoch, offset }: Cursor,
  appendedAtMs: number,
  expiresAtMs: number | undefined,
): StoredEnvelope {
  const identity = identityOf({ source, id });
  const collapseKey = collapseKeyOf({ source, collapsekey });
  return { epoch, offset, id, source, type, identity, collapseKey, appendedAtMs, expiresAtMs };
}

/** What decides, besides an entry itself, whether it is shown: places by name. */
export interface Shadows {
  /** The newest entry of each collapse key. */
  readonly newest: ReadonlyMap<string, number>;
  /** The retraction of each event taken back. */
  readonly retracted: ReadonlyMap<string, number>;
}

export interface InboxLimits {
  /** Entries kept per audience of each kind; the oldest go first. */
  readonly maxLength: Readonly<Record<AudienceKind, number>>;
  /** How long an entry is kept. */
  readonly maxAgeMs: Readonly<Record<AudienceKind, number>>;
  /** How long a repeat of an event is recognised. */
  readonly dedupeMs: number;
}

/** What one log keeps. */
export interface LogLimits {
  readonly maxLength: number;
  readonly maxAgeMs: number;
  readonly dedupeMs: number;
}

/** A canary matters for seconds, and comes thousands of times a day: nothing of it is kept for longer. */
const OWN_LIMITS: LogLimits = { maxLength: 4, maxAgeMs: 600_000, dedupeMs: 120_000 };

export function limitsOf(audience: Audience, { maxLength, maxAgeMs, dedupeMs }: InboxLimits): LogLimits {
  if (isOwn(audience)) return OWN_LIMITS;
  const kind = audienceKind(audience);
  return { maxLength: maxLength[kind], maxAgeMs: maxAgeMs[kind], dedupeMs };
}

export interface Inbox {
  /**
   * Appends entries to an audience's log in their order and publishes each to the audience's room, as one atomic
   * step: nobody sees a part of it, and what is published has the log's order.
   *
   * An implementation MUST give offsets 1, 2, 3 … without holes, MUST NOT append a repeat within `dedupeMs` but
   * answer with its first place while the log has it, MUST change the epoch whenever earlier appends may have been
   * lost, so that no place (epoch and offset) is ever given out twice, and MUST reject without having appended, or
   * with the appended entries recognisable as repeats, so that the same call can be made again.
   *
   * The caller MUST NOT have two calls for one audience under way at once (see append-queue.ts).
   *
   * @throws {InboxUnavailable} the entries' fault in no case: the caller tries again until it succeeds
   */
  append(audience: Audience, entries: readonly Entry[]): Promise<readonly Appended[]>;

  /**
   * How many bytes of text one call of {@link append} should carry now; a single entry may always have more. It shrinks
   * while calls fail because they take too long. Left out when that does not matter.
   */
  batchBytes?(audience: Audience): number;

  /**
   * The last place of each audience's log, in the order asked; EMPTY_HEAD for one never written.
   *
   * @throws {InboxUnavailable}
   */
  heads(audiences: readonly Audience[]): Promise<readonly Cursor[]>;

  /**
   * The last place of the log, as whoever writes it knows it: {@link heads} may come from a replica that lags. A log
   * whose head is behind `place` and of its epoch has lost what was given out; it MUST begin a new epoch then.
   *
   * The caller MUST have been given `place` by the log itself: for what clients claim to have, anybody could have
   * epochs begun.
   *
   * @throws {InboxUnavailable} also while only a replica answers
   */
  fence(audience: Audience, place: Cursor): Promise<Cursor>;

  /**
   * What the log still holds of `first` to `last` inclusive, in order, expired ones included.
   * Entries trimmed by length or age are missing: the caller MUST check that what comes is what it asked for.
   *
   * @throws {InboxUnavailable}
   */
  read(audience: Audience, first: number, last: number): Promise<readonly Stored[]>;

  /**
   * The newest of `first` to `last` inclusive, at most `limit`, newest first.
   *
   * @throws {InboxUnavailable}
   */
  readNewest(audience: Audience, first: number, last: number, limit: number): Promise<readonly Stored[]>;

  /**
   * As {@link readNewest}, without the data. For whoever looks through many only to count or to find some: data may be
   * hundreds of times as long.
   *
   * @throws {InboxUnavailable}
   */
  readEnvelopes(
    audience: Audience,
    first: number,
    last: number,
    limit: number,
  ): Promise<readonly StoredEnvelope[]>;

  /**
   * Where each event is, by its identity, in the order asked; undefined: it was not appended within `dedupeMs`.
   *
   * @throws {InboxUnavailable}
   */
  places(audience: Audience, identities: readonly string[]): Promise<readonly (Place | undefined)[]>;

  /** @throws {InboxUnavailable} */
  shadows(audience: Audience): Promise<Shadows>;

  /**
   * Which epoch began where, newest first; empty for a log never written.
   *
   * @throws {InboxUnavailable}
   */
  incarnations(audience: Audience): Promise<readonly Incarnation[]>;
}
