/**
 * Who follows an event's life: metrics, the log, outcomes, activity, traces. Each implements the moments that it wants
 * and nothing is called, or made, for those who are not there.
 */
import type { Audience } from '../contract/audience.ts';
import type { EventLife } from './event-life.ts';
import type { Appended } from './inbox/inbox.ts';
import type { Settlement } from './ingest/settlement.ts';

/**
 * Methods are called in this order, in the turn in which it happens, and MUST return soon: the event waits. One that
 * throws is logged and passed over: neither the event nor another observer ever notices. Canaries are not reported, unless
 * one is refused or released; then it is settled without having been received.
 */
export interface EventObserver {
  /** The consumer has it, also when it is no event. */
  received?(life: EventLife): void;
  /** Its audiences are known. Nothing of it is encoded yet: see {@link EventLife.traceparent}. */
  mapped?(life: EventLife): void;
  /** One of its audiences' logs has it; `appended.repeat`: had it already. */
  appended?(life: EventLife, audience: Audience, appended: Appended): void;
  /** The queue gets this next. A dead letter is confirmed by then. Called once. */
  settled?(life: EventLife, settlement: Settlement): void;
}

type Wanting<Moment extends keyof EventObserver> = EventObserver & Required<Pick<EventObserver, Moment>>;

/** Tells all that are there, in their order. */
export class EventObservers implements Required<EventObserver> {
  readonly #onFault: (error: unknown) => void;
  /** Those who have failed: each is logged once, not once an event. */
  readonly #faulty = new WeakSet<EventObserver>();
  readonly #received: readonly Wanting<'received'>[];
  readonly #mapped: readonly Wanting<'mapped'>[];
  readonly #appended: readonly Wanting<'appended'>[];
  readonly #settled: readonly Wanting<'settled'>[];

  /** `onFault` gets the first error of each observer. */
  constructor(observers: readonly EventObserver[], onFault: (error: unknown) => void) {
    this.#onFault = onFault;
    this.#received = observers.filter((observer) => wants(observer, 'received'));
    this.#mapped = observers.filter((observer) => wants(observer, 'mapped'));
    this.#appended = observers.filter((observer) => wants(observer, 'appended'));
    this.#settled = observers.filter((observer) => wants(observer, 'settled'));
  }

  received(life: EventLife): void {
    for (const observer of this.#received) {
      try {
        observer.received(life);
      } catch (error) {
        this.#failed(observer, error);
      }
    }
  }

  mapped(life: EventLife): void {
    for (const observer of this.#mapped) {
      try {
        observer.mapped(life);
      } catch (error) {
        this.#failed(observer, error);
      }
    }
  }

  appended(life: EventLife, audience: Audience, appended: Appended): void {
    for (const observer of this.#appended) {
      try {
        observer.appended(life, audience, appended);
      } catch (error) {
        this.#failed(observer, error);
      }
    }
  }

  settled(life: EventLife, settlement: Settlement): void {
    for (const observer of this.#settled) {
      try {
        observer.settled(life, settlement);
      } catch (error) {
        this.#failed(observer, error);
      }
    }
  }

  #failed(observer: EventObserver, error: unknown): void {
    if (this.#faulty.has(observer)) return;
    this.#faulty.add(observer);
    this.#onFault(error);
  }
}

function wants<Moment extends keyof EventObserver>(
  observer: EventObserver,
  moment: Moment,
): observer is Wanting<Moment> {
  return observer[moment] !== undefined;
}

/** Where nobody follows. */
export const NO_OBSERVERS = new EventObservers([], () => {});
