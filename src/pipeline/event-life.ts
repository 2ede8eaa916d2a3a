/** One event on its way from the queue to its settlement: what is known of it so far. Each event has one. */
import type { Omission } from '../contract/display.ts';
import type { Event } from '../contract/event.ts';
import type { Mapped } from './routing/route.ts';

/** What an event, or a message that is none, calls itself. */
export interface EventNames {
  readonly source: string;
  readonly id: string;
  readonly type: string;
}

const UNMAPPED: readonly Mapped[] = Object.freeze([]);

export class EventLife {
  /** Undefined for a message that is no event. */
  readonly event: Event | undefined;
  /** The event itself, or of a message that is none what it says. Reading one of them may be work. */
  readonly names: EventNames;
  /** By the time that all processes go by: events expire by it. */
  readonly receivedAtMs: number;
  /** By this process's own clock, as `performance.now()`. */
  readonly begunMs: number;
  /** The queue that it was taken from, where there are several with events: partitions. */
  readonly queue: string | undefined;
  /** Its audiences; none before it was mapped, and when it cannot be. */
  mapped: readonly Mapped[] = UNMAPPED;
  /** Whether it is logged. Known when it is mapped. */
  isSampled = false;
  /** What its routes could not show of it; undefined: nothing, or there is nothing to show. Known when it is mapped. */
  omitted: readonly Omission[] | undefined = undefined;
  /** The type of the route that gives its title; undefined: none does. Known when it is mapped. */
  titleRoute: string | undefined = undefined;
  /** The source that made it of a message, as in `exchange shop.events`; undefined: it came as an event. */
  madeBy: string | undefined = undefined;
  /** What its notifications carry instead of the event's own. Whoever traces sets it in `mapped`. */
  traceparent: string | undefined = undefined;

  /** `begunMs` @default now; `queue` @default undefined */
  constructor(
    event: Event | undefined,
    names: EventNames,
    receivedAtMs: number,
    begunMs: number = performance.now(),
    queue?: string,
  ) {
    this.event = event;
    this.names = names;
    this.receivedAtMs = receivedAtMs;
    this.begunMs = begunMs;
    this.queue = queue;
  }
}
