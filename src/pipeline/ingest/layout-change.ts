/**
 * From the queues that RabbitMQ has to those that this process is configured for, one step a second. Whoever is the
 * active consumer of the old layout's first queue leads; all others wait for that queue to be deleted. Then each begins
 * with a new connection. Every step may be done again by the next one in line.
 */
import type { ChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import { Asking } from '../../adapters/rabbitmq/asking.ts';
import {
  beginGathering,
  beginSpreading,
  closeOneQueue,
  closePartitions,
  declarePartitions,
  deletePartitions,
  deleteStray,
  endGathering,
  endSpreading,
  giveUpSpreading,
  isConfigured,
  layoutIn,
  nameFor,
  partitioningIn,
} from '../../adapters/rabbitmq/delivery-layout.ts';
import { bindForeign, unbindForeign } from '../../adapters/rabbitmq/foreign.ts';
import {
  DELIVER_QUEUE,
  MAX_PARTITIONS,
  PARTITIONS_EXCHANGE,
  type Partitioning,
  partitionQueues,
} from '../../adapters/rabbitmq/names.ts';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import type { Source } from '../sources/source.ts';
import type { Intake } from './intake.ts';

interface LayoutChangeOptions {
  readonly model: ChannelModel;
  readonly partitioning: Partitioning;
  readonly sources: () => readonly Source[];
  readonly address: AmqpAddress;
  readonly log: Logger;
  /** The first queue of the old layout, at which this process is in line. */
  readonly first: string;
  readonly intakes: ReadonlyMap<string, Intake>;
  readonly take: (queues: readonly string[]) => Promise<void>;
  readonly ask: (queue: string) => Promise<void>;
  /** Begins anew, on a new connection. */
  readonly again: (reason: string) => void;
}

const ONE_QUEUE = { queue: DELIVER_QUEUE };
const PARTITIONS = { exchange: PARTITIONS_EXCHANGE };

/**
 * In steps. A message that was routed just before its queue was unbound may still be on its way into it: a queue is
 * deleted only when it was empty for so long.
 */
const QUIET_LOOKS = 4;

/** In steps. Whoever asks too often keeps others from being quiet. */
const ASK_EVERY = 3;

export class LayoutChange {
  readonly #options: LayoutChangeOptions;
  /** The old queues, once nothing more comes into them. */
  #old: readonly string[] | undefined;
  #quietLooks = 0;
  #steps = 0;
  #isDeleting = false;

  constructor(options: LayoutChangeOptions) {
    this.#options = options;
  }

  get first(): string {
    return this.#options.first;
  }

  /** That the old queues' subscriptions end is its own doing. */
  get isDeleting(): boolean {
    return this.#isDeleting;
  }

  /** Rejects when the connection fails or RabbitMQ refuses. */
  async advance(): Promise<void> {
    const { model, intakes, first, log, again } = this.#options;
    this.#steps += 1;
    if (!intakes.get(first)?.isActive) return await this.#ask(first);
    const asking = new Asking(model);
    try {
      if (this.#old === undefined) {
        if (await this.#isThere(asking)) return again('RabbitMQ has this layout');
        this.#old = await this.#begin(asking);
        log.info({ queues: this.#old }, 'the old queues are emptied');
      }
      const old = this.#old;
      // Each time: a process that keeps the old layout in place may have looked before this one began.
      await this.#close(asking, old);
      if (!(await this.#areQuiet(asking, old))) return;
      log.info({ queues: old }, 'the old queues are empty, and deleted');
      // It ends the subscriptions of all that wait.
      this.#isDeleting = true;
      if (first === DELIVER_QUEUE) await endSpreading(asking);
      else {
        await deletePartitions(asking, old);
        await endGathering(asking);
      }
      again('the old queues are deleted');
    } catch (error) {
      this.#isDeleting = false;
      throw error;
    } finally {
      asking.close();
    }
  }

  /** Leads new events to the new queues too. Returns the old ones, all of which this process then takes from. */
  async #begin(asking: Asking): Promise<readonly string[]> {
    const { model, partitioning, first, take } = this.#options;
    if (first === DELIVER_QUEUE) {
      if ((await partitioningIn(asking)) === undefined) {
        await deleteStray(asking, partitioning);
        await beginSpreading(asking);
        await declarePartitions(model, asking, partitioning);
      }
      return [DELIVER_QUEUE];
    }
    const queues = await partitionsThere(asking);
    await beginGathering(asking);
    await this.#close(asking, queues);
    for (const queue of queues) await nameFor(asking, queue);
    await take(queues);
    return queues;
  }

  /** What others began and gave up may have led here already. */
  async #isThere(asking: Asking): Promise<boolean> {
    const { partitioning } = this.#options;
    const layout = await layoutIn(asking, partitioning);
    if (layout === 'spreading' && partitioning.count === 1 && !(await partitioningIn(asking))) {
      await giveUpSpreading(asking);
      return true;
    }
    return isConfigured(layout, partitioning);
  }

  /** No more events come into the old queues. */
  async #close(asking: Asking, old: readonly string[]): Promise<void> {
    if (this.first === DELIVER_QUEUE) {
      await this.#bindSources(PARTITIONS, ONE_QUEUE);
      await closeOneQueue(asking);
    } else {
      await this.#bindSources(ONE_QUEUE, PARTITIONS);
      await closePartitions(asking, old);
    }
  }

  async #ask(queue: string): Promise<void> {
    if (this.#steps % ASK_EVERY === 1) await this.#options.ask(queue);
  }

  /** Nothing is in them, nor in this process's hand, which is the active consumer of them all. */
  async #areQuiet(asking: Asking, queues: readonly string[]): Promise<boolean> {
    const { intakes } = this.#options;
    let isQuiet = true;
    for (const queue of queues) {
      const intake = intakes.get(queue);
      if (!intake?.isActive) {
        await this.#ask(queue);
        isQuiet = false;
      } else if (intake.inHand > 0 || (await messagesIn(asking, queue)) > 0) isQuiet = false;
    }
    this.#quietLooks = isQuiet ? this.#quietLooks + 1 : 0;
    return this.#quietLooks >= QUIET_LOOKS;
  }

  async #bindSources(to: typeof ONE_QUEUE | typeof PARTITIONS, from: typeof ONE_QUEUE | typeof PARTITIONS) {
    const { model, sources, address } = this.#options;
    for (const source of sources()) {
      if (!('exchange' in source)) continue;
      const trouble = await bindForeign(model, to, source, address);
      if (trouble === undefined) await unbindForeign(model, from, source);
    }
  }
}

async function messagesIn(asking: Asking, queue: string): Promise<number> {
  let messages = 0;
  await asking.ask(async (channel) => {
    messages = (await channel.checkQueue(queue)).messageCount;
  });
  return messages;
}

/** Some of them may be deleted already. */
async function partitionsThere(asking: Asking): Promise<readonly string[]> {
  const there: string[] = [];
  for (const queue of partitionQueues(MAX_PARTITIONS)) if (await asking.has({ queue })) there.push(queue);
  return there;
}
