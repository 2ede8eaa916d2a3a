/** One event's way through the middle: its audiences, then the inbox of each, then the settlement. */
import type { Audience } from '../contract/audience.ts';
import { isExpired } from '../contract/cloudevent.ts';
import { type Event, RETRACTION_TYPE } from '../contract/event.ts';
import { canReachUserTwice, encodeEvent } from '../contract/notification.ts';
import { type Refusal, refuse } from '../contract/refusal.ts';
import { momentOf } from '../contract/rfc3339.ts';
import { AUDIENCES_KEPT, type Outcomes, type SettledEvent } from '../observe/outcomes/outcomes.ts';
import { isUnavailable } from '../resilience/unavailable.ts';
import { type AppendQueue, AppendQueueClosed } from './inbox/append-queue.ts';
import { type Appended, collapseKeyOf, type Entry, identityOf } from './inbox/inbox.ts';
import { ACK, type Handle, RELEASE, type Settlement } from './ingest/settlement.ts';
import { audiencesOf, type Mapped, type Route } from './routing/route.ts';

/** An event whose trace is recorded. */
interface EventTrace {
  /** Gives the `traceparent` that the notifications go on with. */
  appending(audiences: readonly Audience[]): string;
  settled(outcome: string, refused: string | undefined): void;
}

/** An event for more audiences than this lets others pass. */
const WIDE_AUDIENCES = 100;

/** What an append is counted and logged with. `tookMs`: since the event was received. */
interface Told {
  readonly sampled: boolean;
  readonly tookMs: number;
}

export interface DeliverOptions {
  readonly appendQueue: AppendQueue;
  readonly routes: readonly Route[];
  readonly maxAudiences: number;
  readonly isSampled: (event: Event) => boolean;
  readonly outcomes: Outcomes;
  /** The time that all processes go by: events expire by it. */
  readonly now: () => number;
  /** Left out when nobody could want to know. */
  readonly onMapped?: ((event: Event, mapped: readonly Mapped[]) => void) | undefined;
  /** Left out when nothing is recorded; gives undefined for an event that is not. */
  readonly startTrace?: ((event: Event) => EventTrace | undefined) | undefined;
  /**
   * Called after each append; an event is settled only afterwards. Left out when nobody wants to know whom nothing has
   * reached. Rejects only when this process stops.
   */
  readonly schedule?: (event: Event, audience: Audience, appended: Appended) => Promise<void> | undefined;
  readonly onAppended: (event: Event, audience: Audience, appended: Appended, told: Told) => void;
}

export function createDeliver(options: DeliverOptions): Handle {
  const {
    appendQueue,
    routes,
    maxAudiences,
    isSampled,
    outcomes,
    now,
    startTrace,
    schedule,
    onMapped,
    onAppended,
  } = options;
  const refused = (event: Event, receivedAt: Date, refusal: Refusal): Settlement => {
    outcomes.record(event, settledEvent(receivedAt, now(), [], refusal));
    return { kind: 'dead-letter', refusal };
  };
  const deliver = async (event: Event, published?: number, trace?: EventTrace): Promise<Settlement> => {
    const receivedAt = new Date(now());
    const begunMs = performance.now();
    const publishedAtMs = published ?? receivedAt.getTime();
    if (isExpired(event, receivedAt.getTime())) {
      const { refusal } = refuse('expired', `expired at ${event.expirytime}`, 'expirytime');
      return refused(event, receivedAt, refusal);
    }
    const mapped = audiencesOf(event, routes, maxAudiences);
    if (!mapped.ok) return refused(event, receivedAt, mapped.refusal);
    onMapped?.(event, mapped.value);

    const audiences = mapped.value.map(({ audience }) => audience);
    const traceparent = trace?.appending(audiences);
    const textFor = encodeEvent(
      traceparent === undefined ? event : { ...event, traceparent },
      receivedAt,
      canReachUserTwice(audiences),
    );
    const { source, id } = event;
    const sampled = isSampled(event);
    const expiresAtMs = event.expirytime === undefined ? undefined : momentOf(event.expirytime);
    const collapseKey = collapseKeyOf(event);
    const retracts = event.type === RETRACTION_TYPE ? retractedBy(event) : undefined;
    const traced = traceparent !== undefined;
    const isWide = mapped.value.length > WIDE_AUDIENCES;
    const appends = mapped.value.map(async ({ audience, route }) => {
      // One shape for all: spreading what is there would cost more than the rest of this.
      const entry: Entry = {
        source,
        id,
        text: textFor(audience),
        sampled,
        traced,
        publishedAtMs,
        expiresAtMs,
        collapseKey,
        retracts,
        route,
      };
      const appended = await appendQueue.append(audience, entry, isWide);
      onAppended(event, audience, appended, { sampled, tookMs: performance.now() - begunMs });
      await schedule?.(event, audience, appended);
    });
    // All have to end before the queue may be told anything, also when one was given up at shutdown.
    const results = await Promise.allSettled(appends);
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    // This process stops. Whatever else failed is to be seen by the next one.
    if (failures.some(isOfStop)) return RELEASE;
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    outcomes.record(event, settledEvent(receivedAt, now(), mapped.value));
    return ACK;
  };
  if (startTrace === undefined) return deliver;
  return async (event, published) => {
    const trace = startTrace(event);
    const settlement = await deliver(event, published, trace);
    trace?.settled(settlement.kind, settlement.kind === 'dead-letter' ? settlement.refusal.code : undefined);
    return settlement;
  };
}

/** What this process gives up when it stops; it comes again. */
function isOfStop(reason: unknown): boolean {
  return reason instanceof AppendQueueClosed || isUnavailable(reason);
}

function settledEvent(
  receivedAt: Date,
  settledAtMs: number,
  mapped: readonly Mapped[],
  deadLetter?: Refusal,
): SettledEvent {
  return {
    receivedAtMs: receivedAt.getTime(),
    settledAtMs,
    audiences: mapped.slice(0, AUDIENCES_KEPT).map(({ audience }) => audience),
    count: mapped.length,
    ...(deadLetter === undefined ? {} : { deadLetter }),
  };
}

/** The identity of the event that this one takes back. */
function retractedBy({ source, data = {} }: Event): string | undefined {
  const { id, source: of = source } = data;
  return typeof id === 'string' && typeof of === 'string' ? identityOf({ source: of, id }) : undefined;
}
