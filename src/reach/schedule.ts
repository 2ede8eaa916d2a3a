/** Schedules a check for each notification of a user that no gateway took. */
import type { Publisher } from '../adapters/rabbitmq/publisher.ts';
import { type Audience, audienceKind } from '../contract/audience.ts';
import { type Event, RETRACTION_TYPE } from '../contract/event.ts';
import type { Appended } from '../pipeline/inbox/inbox.ts';
import { retried } from '../resilience/retry.ts';
import { isUnavailable } from '../resilience/unavailable.ts';
import { type Check, sendCheck } from './check.ts';

export interface ScheduleOptions {
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly afterMs: number;
  readonly stopping: AbortSignal;
}

/**
 * Resolves when RabbitMQ has the check, or none is needed. The event MUST NOT be acknowledged before that. Rejects
 * only when this process stops; the event is then delivered again as a repeat, and scheduled again.
 */
export type Schedule = (event: Event, audience: Audience, appended: Appended) => Promise<void> | undefined;

/** The check for an append; undefined when none is needed. */
export function checkFor(
  { source, id, type }: Event,
  audience: Audience,
  { offset, gateways }: Appended,
): Check | undefined {
  // A retraction needs no check. A repeat does: the consumer that appended the event may have died before it
  // scheduled one.
  if (gateways > 0 || audienceKind(audience) !== 'user' || type === RETRACTION_TYPE) return undefined;
  return { audience, offset, source, id, waits: 1 };
}

export function createSchedule({ publisher, afterMs, stopping }: ScheduleOptions): Schedule {
  return (event, audience, appended) => {
    const check = checkFor(event, audience, appended);
    if (check === undefined) return undefined;
    return retried(() => sendCheck(publisher, check, afterMs), {
      // An attempt that is under way is finished; otherwise each stop would schedule checks twice.
      shouldRetry: (error) => isUnavailable(error) && !stopping.aborted,
    });
  };
}
