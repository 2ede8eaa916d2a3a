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
 * Resolves when RabbitMQ has the check, or when none is needed: the event MUST NOT be acknowledged before. Rejects
 * only when this process stops; then the event comes again, as a repeat, and is scheduled again.
 */
export type Schedule = (event: Event, audience: Audience, appended: Appended) => Promise<void> | undefined;

/** Undefined when none is needed. */
export function checkFor(
  { source, id, type }: Event,
  audience: Audience,
  { offset, gateways }: Appended,
): Check | undefined {
  // What is taken back is no news. A repeat may be all that is left of a consumer that died before it scheduled.
  if (gateways > 0 || audienceKind(audience) !== 'user' || type === RETRACTION_TYPE) return undefined;
  return { audience, offset, source, id, waits: 1 };
}

export function createSchedule({ publisher, afterMs, stopping }: ScheduleOptions): Schedule {
  return (event, audience, appended) => {
    const check = checkFor(event, audience, appended);
    if (check === undefined) return undefined;
    return retried(() => sendCheck(publisher, check, afterMs), {
      // What is under way is finished: otherwise every stop would have checks scheduled twice.
      shouldRetry: (error) => isUnavailable(error) && !stopping.aborted,
    });
  };
}
