/**
 * What becomes of notifications on a gateway, for whoever follows them: metrics, the log, the console's activity,
 * traces, the canary. An observer implements the moments that it needs; the others cost nothing.
 */
import { type Audience, isOwn } from '../../contract/audience.ts';
import type { UnrecoveredReason } from '../../contract/recovery.ts';
import type { LiveMessage } from '../../pipeline/inbox/live-message.ts';

/** `current`: the client had everything. `part`: one answer did not hold all of it. The others say why it got nothing. */
export type RecoveryResult = 'current' | 'recovered' | 'part' | UnrecoveredReason;

/**
 * Methods are called synchronously and MUST return soon: delivery waits for them. If one throws, the error is logged
 * and neither the delivery nor another observer is affected.
 */
export interface DeliveryObserver {
  /** A notification was written to this node's sockets in the audience's room. Not called for Carillon's own topics. */
  passedOn?(audience: Audience, message: LiveMessage, sockets: number): void;
  /** A feed read from the log what Pub/Sub had lost. Also called for Carillon's own topics: the canary needs it. */
  healed?(audience: Audience): void;
  /** A client asked what it had missed in one audience and got so many notifications. */
  recovered?(result: RecoveryResult, notifications: number): void;
}

type Moment = keyof DeliveryObserver;
type Wanting<M extends Moment> = DeliveryObserver & Required<Pick<DeliveryObserver, M>>;

/** Calls the observers of a moment in the order in which they are listed. */
export class DeliveryObservers implements Required<DeliveryObserver> {
  readonly #onFault: (error: unknown) => void;
  /** Observers that have thrown. Only the first error of each is reported. */
  readonly #faulty = new WeakSet<DeliveryObserver>();
  readonly #passedOn: readonly Wanting<'passedOn'>[];
  readonly #healed: readonly Wanting<'healed'>[];
  readonly #recovered: readonly Wanting<'recovered'>[];

  /** `onFault` receives the first error of each observer. */
  constructor(observers: readonly DeliveryObserver[], onFault: (error: unknown) => void) {
    this.#onFault = onFault;
    this.#passedOn = observers.filter((observer) => wants(observer, 'passedOn'));
    this.#healed = observers.filter((observer) => wants(observer, 'healed'));
    this.#recovered = observers.filter((observer) => wants(observer, 'recovered'));
  }

  passedOn(audience: Audience, message: LiveMessage, sockets: number): void {
    if (this.#passedOn.length === 0 || isOwn(audience)) return;
    for (const observer of this.#passedOn) {
      try {
        observer.passedOn(audience, message, sockets);
      } catch (error) {
        this.#failed(observer, error);
      }
    }
  }

  healed(audience: Audience): void {
    for (const observer of this.#healed) {
      try {
        observer.healed(audience);
      } catch (error) {
        this.#failed(observer, error);
      }
    }
  }

  recovered(result: RecoveryResult, notifications: number): void {
    for (const observer of this.#recovered) {
      try {
        observer.recovered(result, notifications);
      } catch (error) {
        this.#failed(observer, error);
      }
    }
  }

  #failed(observer: DeliveryObserver, error: unknown): void {
    if (this.#faulty.has(observer)) return;
    this.#faulty.add(observer);
    this.#onFault(error);
  }
}

function wants<M extends Moment>(observer: DeliveryObserver, moment: M): observer is Wanting<M> {
  return observer[moment] !== undefined;
}

/** For when nobody follows deliveries. */
export const NO_DELIVERY_OBSERVERS = new DeliveryObservers([], () => {});
