/**
 * The queues of Carillon's own that this process takes events from: one, or all partitions, of which RabbitMQ gives it
 * some. While RabbitMQ has another layout than this process is configured for, the process is in the line for the first
 * queue of that one, and leads to its own when it is the first: see docs/decisions/partitions.md.
 */
import type { ChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import { Asking } from '../../adapters/rabbitmq/asking.ts';
import {
  declareConsumersQueue,
  declareDirect,
  declareOneQueue,
  declarePartitions,
  deleteStray,
  endGathering,
  endSpreading,
  firstQueueOf,
  isConfigured,
  layoutIn,
  nameFor,
  openToCanaries,
  requirePlugin,
  requireUnchanging,
} from '../../adapters/rabbitmq/delivery-layout.ts';
import {
  CONSUMERS_QUEUE,
  DELIVER_QUEUE,
  type Partitioning,
  partitionQueue,
  queuesOfEvents,
} from '../../adapters/rabbitmq/names.ts';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import { reasonOf } from '../../resilience/reason.ts';
import type { Source } from '../sources/source.ts';
import { FairShare } from './fair-share.ts';
import type { Intake } from './intake.ts';
import { LayoutChange } from './layout-change.ts';

export interface OwnQueuesOptions {
  readonly partitioning: Partitioning;
  /** As they stand now. */
  readonly sources: () => readonly Source[];
  readonly address: AmqpAddress;
  readonly log: Logger;
  /** What takes the messages of a queue. `counts`: whether what is in hand of it is counted. */
  readonly intakeOf: (queue: string, counts: boolean) => Intake;
  /** Sends through the exchange for single queues what only the first in the queue's line gets. */
  readonly ask: (queue: string) => Promise<void>;
  /** Begins anew, on a new connection. */
  readonly again: (reason: string) => void;
}

/** In calls of {@link OwnQueues.tick}. */
const SHARE_EVERY = 5;

export class OwnQueues {
  readonly #options: OwnQueuesOptions;
  readonly #intakes = new Map<string, Intake>();
  #model: ChannelModel | undefined;
  #change: LayoutChange | undefined;
  #busyOn: ChannelModel | undefined;
  #ticks = 0;
  readonly #fairShare: FairShare;

  constructor(options: OwnQueuesOptions) {
    this.#options = options;
    this.#fairShare = new FairShare(options.partitioning.count);
  }

  get intakes(): readonly Intake[] {
    return [...this.#intakes.values()];
  }

  /** The queue that this process is in line at, because RabbitMQ has another layout than its own. */
  get line(): string | undefined {
    return this.#change?.first;
  }

  /** A subscription ended, with its queue or its channel. */
  ended(reason: string): void {
    if (!this.#change?.isDeleting) this.#options.again(reason);
  }

  /** How many queues events are spread over by this process's configuration. */
  get count(): number {
    return this.#options.partitioning.count;
  }

  /**
   * Subscribes on a new connection, whose base topology MUST be there.
   * @throws {PluginOff}
   * @throws {TopologyMissing} where somebody else declares, and events are on the way to other queues
   */
  async open(model: ChannelModel): Promise<void> {
    const { partitioning, address } = this.#options;
    this.#model = model;
    this.#change = undefined;
    this.#intakes.clear();
    const asking = new Asking(model);
    try {
      if (!address.declares) {
        await requireUnchanging(asking, partitioning);
        return await this.#takeOwn(model);
      }
      let layout = await layoutIn(asking, partitioning);
      if (layout === 'gathering' && !(await asking.has({ queue: partitionQueue(0) }))) {
        await endGathering(asking);
        layout = 'one queue';
        if (partitioning.count === 1) await declareOneQueue(asking);
      }
      if (layout === 'spreading' && !(await asking.has({ queue: DELIVER_QUEUE }))) {
        await endSpreading(asking);
        layout = await layoutIn(asking, partitioning);
      }
      if (layout === 'one queue' && partitioning.count > 1) {
        await requirePlugin(model, asking);
        if (!(await asking.has({ queue: DELIVER_QUEUE }))) {
          await deleteStray(asking, partitioning);
          await declarePartitions(model, asking, partitioning);
          layout = 'ours';
        }
      }
      if (isConfigured(layout, partitioning)) {
        if (this.count > 1) await openToCanaries(asking, partitioning);
        return await this.#takeOwn(model);
      }
      const first = firstQueueOf(layout);
      await declareDirect(asking);
      await nameFor(asking, first);
      this.#change = this.#changeFrom(model, first);
      this.#options.log.info({ queue: first }, 'in line: RabbitMQ has another number of partitions');
      await this.#take(model, [first]);
    } finally {
      asking.close();
    }
  }

  /** MUST be called every second while connected. Never rejects. */
  async tick(): Promise<void> {
    const model = this.#model;
    if (model === undefined || this.#busyOn === model) return;
    this.#busyOn = model;
    this.#ticks += 1;
    try {
      if (this.#change !== undefined) await this.#change.advance();
      else if (this.count > 1 && this.#ticks % SHARE_EVERY === 0) await this.#share(model);
    } catch (error) {
      // The connection is gone, and its next one begins anew; or RabbitMQ refuses, which is tried again.
      this.#options.log.warn({ reason: reasonOf(error) }, 'queues stay as they are');
    }
    if (this.#busyOn === model) this.#busyOn = undefined;
  }

  async #takeOwn(model: ChannelModel): Promise<void> {
    await this.#take(model, queuesOfEvents(this.#options.partitioning));
    // Only now: what others give back to a process that they count shall find it in line.
    if (this.count > 1) await this.#beCounted(model);
  }

  async #take(model: ChannelModel, queues: readonly string[]): Promise<void> {
    const counts = this.count > 1 || this.#change !== undefined;
    for (const queue of queues) {
      if (this.#intakes.has(queue)) continue;
      const intake = this.#options.intakeOf(queue, counts);
      this.#intakes.set(queue, intake);
      await intake.open(model);
    }
  }

  async #beCounted(model: ChannelModel): Promise<void> {
    const channel = await model.createChannel();
    channel.on('error', () => {});
    if (this.#options.address.declares) await declareConsumersQueue(channel);
    await channel.consume(CONSUMERS_QUEUE, () => {}, { noAck: true });
  }

  /** Whoever has more than its share gives one queue back. */
  async #share(model: ChannelModel): Promise<void> {
    const active = this.intakes.filter(({ isActive }) => isActive);
    const most = active.at(-1);
    if (active.length < 2 || most === undefined) return;
    let consumers = 0;
    const asking = new Asking(model);
    await asking.ask(async (channel) => {
      consumers = (await channel.checkQueue(CONSUMERS_QUEUE)).consumerCount;
    });
    asking.close();
    if (!this.#fairShare.mustGive(active.length, consumers)) return;
    this.#options.log.info({ queue: most.queue, consumers }, 'given to the next consumer in line');
    await most.giveBack(model);
  }

  #changeFrom(model: ChannelModel, first: string): LayoutChange {
    return new LayoutChange({
      ...this.#options,
      model,
      first,
      intakes: this.#intakes,
      take: (queues) => this.#take(model, queues),
    });
  }
}
