/** One event's way through the middle: its audiences, then the inbox of each, then the settlement. */
import type { Audience } from '../contract/audience.ts';
import { isExpired } from '../contract/cloudevent.ts';
import { type Event, RETRACTION_TYPE } from '../contract/event.ts';
import { canReachUserTwice, encodeEvent } from '../contract/notification.ts';
import { refuse } from '../contract/refusal.ts';
import { momentOf } from '../contract/rfc3339.ts';
import { isUnavailable } from '../resilience/unavailable.ts';
import { type Erasures, withoutErased } from './erasures.ts';
import type { EventObservers } from './event-observer.ts';
import { type AppendQueue, AppendQueueClosed } from './inbox/append-queue.ts';
import { type Appended, collapseKeyOf, type Entry, retractedBy } from './inbox/inbox.ts';
import { ACK, type Handle, RELEASE } from './ingest/settlement.ts';
import { audiencesOf } from './routing/route.ts';
import type { Routing } from './routing/routing.ts';

/** An event for more audiences than this lets others pass. */
const WIDE_AUDIENCES = 100;

export interface DeliverOptions {
  /** Left out where nobody can be erased. */
  readonly erasures?: Erasures;
  readonly appendQueue: AppendQueue;
  readonly routing: Pick<Routing, 'table'>;
  readonly maxAudiences: number;
  readonly isSampled: (event: Event) => boolean;
  /** Learns that it is mapped and appended; whoever took it from the queue reports the rest. */
  readonly observers: Pick<EventObservers, 'mapped' | 'appended'>;
  /**
   * Called after each append; an event is settled only afterwards. Left out when nobody wants to know whom nothing has
   * reached. Rejects only when this process stops.
   */
  readonly schedule?: (event: Event, audience: Audience, appended: Appended) => Promise<void> | undefined;
}

export function createDeliver(options: DeliverOptions): Handle {
  const { appendQueue, routing, maxAudiences, isSampled, observers, schedule, erasures } = options;
  /** It would become a dead letter, which would keep what was erased. */
  const isForErased = (event: Event, published: number | undefined) => {
    if (erasures === undefined || !erasures.isAnyErased) return false;
    const all = audiencesOf(event, routing.table.routes, maxAudiences);
    return all.ok && withoutErased(all.value, published, erasures).length === 0;
  };
  return async (event, life, published) => {
    const receivedAt = new Date(life.receivedAtMs);
    const publishedAtMs = published ?? life.receivedAtMs;
    // All events wait for it in their order.
    if (erasures !== undefined && !erasures.isKnown) await erasures.known;
    if (isExpired(event, life.receivedAtMs)) {
      if (isForErased(event, published)) return ACK;
      const { refusal } = refuse('expired', `expired at ${event.expirytime}`, 'expirytime');
      return { kind: 'dead-letter', refusal };
    }
    const { routes, present } = routing.table;
    const all = audiencesOf(event, routes, maxAudiences);
    if (!all.ok) return { kind: 'dead-letter', refusal: all.refusal };
    const mapped = withoutErased(all.value, published, erasures);
    if (mapped.length === 0) return ACK;
    const sampled = isSampled(event);
    life.mapped = mapped;
    life.isSampled = sampled;
    const shown = present?.(event);
    life.omitted = shown?.omitted;
    life.titleRoute = shown?.titleRoute;
    observers.mapped(life);

    const audiences = mapped.map(({ audience }) => audience);
    const { traceparent } = life;
    const textFor = encodeEvent(
      traceparent === undefined ? event : { ...event, traceparent },
      receivedAt,
      canReachUserTwice(audiences),
      shown,
    );
    const { source, id } = event;
    const expiresAtMs = event.expirytime === undefined ? undefined : momentOf(event.expirytime);
    const collapseKey = collapseKeyOf(event);
    const retracts = event.type === RETRACTION_TYPE ? retractedBy(event) : undefined;
    const traced = traceparent !== undefined;
    const isWide = mapped.length > WIDE_AUDIENCES;
    const appends = mapped.map(async ({ audience, route }) => {
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
      observers.appended(life, audience, appended);
      await schedule?.(event, audience, appended);
    });
    // All have to end before the queue gets an answer, also when one was given up at shutdown.
    const results = await Promise.allSettled(appends);
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    // This process stops. Whatever else failed is to be seen by the next one.
    if (failures.some(isOfStop)) return RELEASE;
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    return ACK;
  };
}

/** What this process gives up when it stops; it comes again. */
function isOfStop(reason: unknown): boolean {
  return reason instanceof AppendQueueClosed || isUnavailable(reason);
}
