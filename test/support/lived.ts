/** Wraps an event as a queue passes it on for delivery. */
import type { Event } from '../../src/contract/event.ts';
import { EventLife } from '../../src/pipeline/event-life.ts';

export function lived(event: Event, nowMs = Date.now()): [event: Event, life: EventLife] {
  return [event, new EventLife(event, event, nowMs)];
}
