/**
 * When an event was published, for measuring. It is another machine's clock, so nothing is decided by it but whether an
 * event is older than its user's erasure (pipeline/erasures.ts).
 */
import type { Event } from '../../contract/event.ts';
import { momentOf } from '../../contract/rfc3339.ts';
import { MAX_PUBLISHED_AT_MS } from '../inbox/live-message.ts';

/** Set by this service's publisher, and by RabbitMQ when it is configured to (`message_interceptors` in rabbitmq.conf). */
export const PUBLISHED_AT_HEADER = 'timestamp_in_ms';

/**
 * What the header says, or else the event's own `time`; undefined when neither is there or neither can be true. Never
 * fails, whatever a header holds.
 */
export function publishedAtOf(
  headers: Readonly<Record<string, unknown>> | undefined,
  event: Pick<Event, 'time'> | undefined,
): number | undefined {
  const stamped = headers?.[PUBLISHED_AT_HEADER];
  if (isPossible(stamped)) return stamped;
  const time = event?.time === undefined ? undefined : momentOf(event.time);
  return isPossible(time) ? time : undefined;
}

function isPossible(atMs: unknown): atMs is number {
  return typeof atMs === 'number' && Number.isInteger(atMs) && atMs > 0 && atMs <= MAX_PUBLISHED_AT_MS;
}
