/**
 * Keeps the queues and exchanges in place. If somebody deletes one while the service runs, it is declared again: at
 * once when a message could not be published, otherwise within seconds. Only the messages in a deleted queue are
 * lost. Where Carillon declares nothing (AMQP_DECLARE), it looks and tells.
 */
import type { ChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import type { PartHealth } from '../../contract/health.ts';
import { jittered } from '../../resilience/jitter.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { within } from '../../resilience/timeout.ts';
import type { Partitioning } from './names.ts';
import { missingIn, Topology } from './topology.ts';

const EVERY_MS = 5_000;

/** A binding cannot be looked for. That it is missing shows in each event that comes back, and canaries are events. */
const UNROUTED_MS = 60_000;

/** A queue without a leader does not answer. */
const ANSWER_MS = 10_000;

export interface TopologyWatchOptions {
  /** The present connection. It should be one that RabbitMQ does not block when it is short of memory. */
  readonly model: () => ChannelModel | undefined;
  /** Whether what is missing is declared here. */
  readonly declares: boolean;
  readonly partitioning: Partitioning;
  readonly log: Logger;
}

export class TopologyWatch {
  readonly #options: TopologyWatchOptions;
  readonly #topology: Topology;
  #timer: NodeJS.Timeout | undefined;
  #missing: readonly string[] = [];
  /** Why something missing cannot be declared. */
  #failure: string | undefined;
  /** Until when a binding is believed to be missing that somebody else declares. */
  #unboundUntilMs = Number.NEGATIVE_INFINITY;
  #isLooking = false;
  #isAsked = false;

  constructor(options: TopologyWatchOptions) {
    this.#options = options;
    this.#topology = new Topology(options.partitioning);
  }

  get health(): PartHealth {
    const isUnbound = performance.now() < this.#unboundUntilMs;
    if (this.#missing.length === 0 && this.#failure === undefined && !isUnbound) return { ok: true };
    const missing = `missing: ${this.#missing.join(', ') || 'a binding'}`;
    return { ok: false, reason: this.#failure === undefined ? missing : `${missing}; ${this.#failure}` };
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(false), jittered(EVERY_MS));
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A message came back because no queue took it. */
  unroutable(): void {
    void this.#look(true);
  }

  /** Never rejects. `isAnythingLost`: something is known to be missing, perhaps only a binding. */
  async #look(isAnythingLost: boolean): Promise<void> {
    if (this.#isLooking) {
      this.#isAsked ||= isAnythingLost;
      return;
    }
    this.#isLooking = true;
    try {
      await within(ANSWER_MS, this.#restore(isAnythingLost), () => {
        throw new Error(`RabbitMQ did not answer within ${ANSWER_MS} ms`);
      });
    } catch (error) {
      // Refusals, a lost channel and a timeout raise errors of many kinds, and the operator has to see each.
      this.#fails(reasonOf(error));
    }
    this.#isLooking = false;
    if (!this.#isAsked) return;
    this.#isAsked = false;
    await this.#look(true);
  }

  async #restore(isAnythingLost: boolean): Promise<void> {
    const { log, declares, partitioning } = this.#options;
    const model = this.#options.model();
    if (model === undefined) return;
    const { missing } = await missingIn(model, partitioning, declares);
    const isNew = missing.some((name) => !this.#missing.includes(name));
    if (!declares) {
      this.#tell(missing, isNew, isAnythingLost);
      return;
    }
    this.#missing = missing;
    if (isNew) {
      const code = 'topology_missing';
      log.error({ code, missing }, 'somebody deleted what Carillon needs in RabbitMQ; it is declared again');
    }
    // Bindings cannot be queried, but declaring them again costs little.
    await this.#topology.declare(model);
    if (isAnythingLost && missing.length === 0) log.warn('bindings in RabbitMQ are declared again');
    if (missing.length > 0) log.info({ declared: missing }, 'declared again in RabbitMQ');
    this.#missing = [];
    this.#failure = undefined;
  }

  /** What is missing, and is declared by somebody else. */
  #tell(missing: readonly string[], isNew: boolean, isAnythingLost: boolean): void {
    const { log } = this.#options;
    const code = 'topology_missing';
    const wasMissing = this.#missing.length > 0;
    this.#missing = missing;
    this.#failure = undefined;
    if (isNew)
      log.error({ code, missing }, 'Carillon lacks something in RabbitMQ, and AMQP_DECLARE is false');
    else if (wasMissing && missing.length === 0) log.info('nothing is missing in RabbitMQ any more');
    if (!isAnythingLost || missing.length > 0) return;
    const nowMs = performance.now();
    if (nowMs >= this.#unboundUntilMs)
      log.error({ code, missing: ['a binding'] }, 'no queue takes an event, and AMQP_DECLARE is false');
    this.#unboundUntilMs = nowMs + UNROUTED_MS;
  }

  /** Does not matter while nothing is missing: the links report that RabbitMQ is away. */
  #fails(reason: string): void {
    if (this.#missing.length === 0) return;
    if (reason !== this.#failure) {
      const code = 'topology_missing';
      this.#options.log.error({ code, missing: this.#missing, reason }, 'it cannot be declared again');
    }
    this.#failure = reason;
  }
}
