/**
 * Takes checks as they return, and publishes a signal for each notification that has not reached its user, one at a
 * time over all processes. A check is acknowledged only when RabbitMQ has confirmed the signal and that fact is
 * stored. So a process that dies can leave at most one signal that is published but not stored.
 *
 * A check that fails is sent back to wait. So neither an outage of Redis nor one check that cannot be decided holds up
 * the others.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import { unlessClosed } from '../adapters/rabbitmq/closed-channel.ts';
import { Link } from '../adapters/rabbitmq/link.ts';
import type { Partitioning } from '../adapters/rabbitmq/names.ts';
import { SIGNALS_EXCHANGE, UNREACHED_QUEUE } from '../adapters/rabbitmq/names.ts';
import { type Publisher, Unroutable } from '../adapters/rabbitmq/publisher.ts';
import { Topology } from '../adapters/rabbitmq/topology.ts';
import type { TopologyClash } from '../adapters/rabbitmq/topology-clash.ts';
import type { AmqpAddress } from '../config/amqp-address.ts';
import { retried } from '../resilience/retry.ts';
import { isUnavailable } from '../resilience/unavailable.ts';
import { type Check, logFailedCheck, parseCheck, sendCheck } from './check.ts';
import type { ReachCheck, Verdict } from './reach-check.ts';
import type { UnreachedMemory } from './unreached-memory.ts';
import { encodeUnreached, UNREACHED } from './unreached-signal.ts';

/** How many checks are read ahead while one is published. */
const JUDGED_AHEAD = 16;

/** Pause after a failure, so that a store that is away is not asked a thousand times a second. */
const FAILED_PAUSE_MS = 500;

export interface UnreachedCheckerOptions {
  readonly reachCheck: ReachCheck;
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly memory: Pick<UnreachedMemory, 'isSignalled' | 'signalled'>;
  readonly partitioning: Partitioning;
  readonly afterMs: number;
  readonly log: Logger;
  readonly onClash: (clash: TopologyClash) => void;
  readonly onSignal: (name: typeof UNREACHED, outcome: 'published' | 'unrouted') => void;
}

export class UnreachedChecker {
  readonly #options: UnreachedCheckerOptions;
  readonly #link: Link;
  readonly #topology: Topology;
  readonly #stopping = new AbortController();
  #inHand: Promise<void> = Promise.resolve();

  constructor(options: UnreachedCheckerOptions) {
    this.#options = options;
    this.#topology = new Topology(options.partitioning);
    this.#link = new Link('carillon unreached', options.log, options.onClash);
  }

  async open(address: AmqpAddress): Promise<void> {
    await this.#link.open(address, (model) => this.#setup(model, address));
  }

  /** Takes no more checks. Resolves when the present one is settled or given up. */
  async drain(): Promise<void> {
    this.#stopping.abort();
    await this.#inHand;
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#link.close();
  }

  async #setup(model: ChannelModel, address: AmqpAddress): Promise<void> {
    await this.#topology.ensure(model, address);
    const channel = await model.createChannel();
    channel.on('error', (error) =>
      this.#options.log.warn({ reason: error.message }, 'RabbitMQ closed the checking channel'),
    );
    const gone = new AbortController();
    channel.on('close', () => {
      gone.abort();
      this.#link.rebuild('the checking channel closed');
    });
    await channel.prefetch(JUDGED_AHEAD);
    const over = AbortSignal.any([this.#stopping.signal, gone.signal]);
    await channel.consume(UNREACHED_QUEUE, (message) => {
      if (message === null)
        this.#link.rebuild(`RabbitMQ cancelled the checking consumer: ${UNREACHED_QUEUE} was deleted`);
      else this.#take(channel, message, over);
    });
  }

  #take(channel: Channel, message: ConsumeMessage, over: AbortSignal): void {
    // When the connection ends, RabbitMQ gives the checks that still wait to another process.
    if (over.aborted) return;
    const check = parseCheck(message.content);
    const checking = check === undefined ? undefined : this.#options.reachCheck(check);
    checking?.catch(() => {
      // The error is handled when it is this check's turn.
    });
    const turn = async () => {
      if (over.aborted) return;
      if (check === undefined || checking === undefined) {
        this.#options.log.warn({ queue: UNREACHED_QUEUE }, 'a message that is no check is thrown away');
      } else if (!(await this.#settle(check, checking, over))) {
        return;
      }
      // If the channel has closed, the check is delivered again.
      unlessClosed(() => channel.ack(message));
    };
    this.#inHand = this.#inHand.then(turn);
  }

  /** Resolves with false when the check was given up; it is then delivered again. Never rejects. */
  async #settle(check: Check, checking: Promise<Verdict>, over: AbortSignal): Promise<boolean> {
    try {
      const verdict = await checking;
      if (verdict.kind === 'unreached') await this.#publishSignal(check, verdict);
      else if (verdict.kind === 'open') await this.#waitAgain(check);
      return true;
    } catch (error) {
      logFailedCheck(this.#options.log, check, error);
    }
    while (!over.aborted) {
      try {
        await pause(FAILED_PAUSE_MS, undefined, { signal: over });
        await this.#waitAgain(check);
        return true;
      } catch (error) {
        // If RabbitMQ is away, this channel is usually closed too.
        if (!isUnavailable(error)) logFailedCheck(this.#options.log, check, error);
      }
    }
    return false;
  }

  async #publishSignal(
    { audience, offset }: Check,
    unreached: Extract<Verdict, { kind: 'unreached' }>,
  ): Promise<void> {
    const { publisher, memory, log, onSignal } = this.#options;
    const { notification } = unreached;
    // The event was delivered again after a consumer had died, and was scheduled twice.
    if (await memory.isSignalled(audience, notification)) return;
    const { epoch, source, id } = notification;
    const { type, body, properties } = encodeUnreached(unreached);
    try {
      await publisher.publish(SIGNALS_EXCHANGE, type, body, properties);
      onSignal(UNREACHED, 'published');
    } catch (error) {
      // A retry would find no listener either.
      if (!(error instanceof Unroutable)) throw error;
      log.warn(
        { audience, epoch, offset, source, id },
        'no queue takes the signal that a notification is unreached',
      );
      onSignal(UNREACHED, 'unrouted');
    }
    // Retried, because without this entry the signal would be published again whenever the check returns. That
    // includes the next channel, whose first check waits for this one.
    await retried(() => memory.signalled(audience, notification), {
      shouldRetry: (error) => isUnavailable(error) && !this.#stopping.signal.aborted,
    });
  }

  async #waitAgain(check: Check): Promise<void> {
    const { publisher, afterMs } = this.#options;
    await sendCheck(publisher, { ...check, waits: check.waits + 1 }, afterMs);
  }
}
