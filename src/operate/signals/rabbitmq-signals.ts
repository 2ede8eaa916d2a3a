/**
 * Publishes signals about what users and operators do to RabbitMQ without waiting. A signal that cannot be published now
 * is dropped and counted, so that nobody who asks ever waits for a consumer of signals.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { SIGNALS_EXCHANGE } from '../../adapters/rabbitmq/names.ts';
import { type Publisher, Unroutable } from '../../adapters/rabbitmq/publisher.ts';
import {
  type ClientSignal,
  encodeSignal,
  type SignalData,
  type Signals,
  typeOf,
} from '../../contract/signal.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { faultOf, isUnavailable } from '../../resilience/unavailable.ts';

/** Most signals that may wait for RabbitMQ's confirm. More means that RabbitMQ is too slow. */
const MAX_UNDER_WAY = 1_000;

/** How long signals of a type are not sent after RabbitMQ has returned one because no queue takes it. */
const UNHEARD_MS = 1_000;

/** `unrouted`: no queue is bound for it. */
export type SignalOutcome = 'published' | 'unrouted' | 'dropped';

export interface RabbitMqSignalsOptions {
  readonly node: string;
  readonly wanted: readonly ClientSignal[];
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly log: Logger;
  readonly onSignal: (name: ClientSignal, outcome: SignalOutcome) => void;
}

export class RabbitMqSignals implements Signals {
  readonly #options: RabbitMqSignalsOptions;
  readonly #wanted: ReadonlySet<ClientSignal>;
  readonly #source: string;
  /** Until when a type of signal has no queue, by this process's clock. */
  readonly #unheardUntilMs = new Map<string, number>();
  #underWay = 0;
  /** Signals dropped since one was last published. */
  #dropped = 0;

  constructor(options: RabbitMqSignalsOptions) {
    this.#options = options;
    this.#wanted = new Set(options.wanted);
    this.#source = `/carillon/${options.node}`;
  }

  wants(name: ClientSignal): boolean {
    return this.#wanted.has(name);
  }

  emit<N extends ClientSignal>(name: N, data: SignalData<N>): void {
    if (!this.wants(name)) return;
    const type = typeOf(name, data);
    if ((this.#unheardUntilMs.get(type) ?? 0) > performance.now()) this.#options.onSignal(name, 'unrouted');
    else if (this.#underWay >= MAX_UNDER_WAY) this.#drop(name, `${MAX_UNDER_WAY} are not confirmed yet`);
    else void this.#publish(name, type, data);
  }

  async #publish<N extends ClientSignal>(name: N, type: string, data: SignalData<N>): Promise<void> {
    const { body, properties } = encodeSignal(name, { id: randomUUID(), source: this.#source }, data);
    this.#underWay += 1;
    try {
      await this.#options.publisher.publish(SIGNALS_EXCHANGE, type, body, properties);
      this.#count(name, 'published');
    } catch (error) {
      if (error instanceof Unroutable) {
        this.#unheardUntilMs.set(type, performance.now() + UNHEARD_MS);
        this.#count(name, 'unrouted');
      } else {
        if (!isUnavailable(error)) this.#options.log.error(faultOf(error), 'a signal could not be made');
        this.#drop(name, reasonOf(error));
      }
    } finally {
      this.#underWay -= 1;
    }
  }

  #count(name: ClientSignal, outcome: SignalOutcome): void {
    const { log, onSignal } = this.#options;
    onSignal(name, outcome);
    if (this.#dropped > 0) log.info({ dropped: this.#dropped }, 'signals are published again');
    this.#dropped = 0;
  }

  #drop(name: ClientSignal, reason: string): void {
    const { log, onSignal } = this.#options;
    if (this.#dropped === 0) log.warn({ reason }, 'signals are dropped');
    this.#dropped += 1;
    onSignal(name, 'dropped');
  }
}
