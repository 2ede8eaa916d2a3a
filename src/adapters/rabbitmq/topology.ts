/**
 * The exchanges and queues in RabbitMQ. Every process declares all of them, so that none depends on another's start,
 * and again when one has been deleted; or only looks for them, when somebody else declares them (AMQP_DECLARE).
 */
import type { Channel, ChannelModel } from 'amqplib';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import { ACCESS_REFUSED, Asking, isCode, NOT_FOUND, PRECONDITION_FAILED } from './asking.ts';
import {
  declareEventsExchange,
  declareOneQueue,
  declarePartitions,
  EVENTS_EXCHANGE_TYPE,
  isConfigured,
  layoutIn,
} from './delivery-layout.ts';
import {
  DEAD_LETTERS,
  EVENTS_EXCHANGE,
  exchangesOfPartitions,
  type Partitioning,
  queuesOfEvents,
  SIGNALS_EXCHANGE,
  UNREACHED_DELAY_QUEUE,
  UNREACHED_EXCHANGE,
  UNREACHED_QUEUE,
} from './names.ts';
import { DeclaredDifferently } from './topology-clash.ts';
import { TopologyMissing } from './topology-missing.ts';

/**
 * Reading dead letters takes and returns them, and RabbitMQ counts this: with RabbitMQ 4's default limit of 20, the
 * 21st read would delete them. With any limit, a quorum queue also returns a message to its old place, and otherwise
 * to the end.
 */
const DEAD_LETTERS_ARGUMENTS = { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000_000 };

/**
 * An administrator's policy may limit a queue's length. The queue then deletes its oldest messages, unless this
 * argument or the policy says otherwise.
 */
const KEEPS_ALL = { 'x-overflow': 'reject-publish' };

const UNREACHED_DELAY_ARGUMENTS = {
  'x-queue-type': 'quorum',
  'x-dead-letter-exchange': UNREACHED_EXCHANGE,
  'x-dead-letter-routing-key': UNREACHED_QUEUE,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
};

/** Practically no limit: a check that a dying process was working on must still be judged. */
const UNREACHED_ARGUMENTS = {
  'x-queue-type': 'quorum',
  'x-single-active-consumer': true,
  'x-delivery-limit': 1_000_000_000,
};

export const EXCHANGES: Readonly<Record<string, 'topic' | 'direct'>> = {
  [EVENTS_EXCHANGE]: EVENTS_EXCHANGE_TYPE,
  [SIGNALS_EXCHANGE]: 'topic',
  [DEAD_LETTERS]: 'topic',
  [UNREACHED_EXCHANGE]: 'direct',
};

interface QueueForm {
  readonly arguments: Readonly<Record<string, unknown>>;
  /** How an earlier version declared it. Such a queue is accepted, because a queue's arguments cannot be changed. */
  readonly earlier?: Readonly<Record<string, unknown>>;
  readonly boundTo: string;
  readonly key: string;
}

/** All but those of events, whose layout depends on the number of partitions. */
export const QUEUES: Readonly<Record<string, QueueForm>> = {
  [DEAD_LETTERS]: {
    arguments: { ...DEAD_LETTERS_ARGUMENTS, ...KEEPS_ALL },
    earlier: DEAD_LETTERS_ARGUMENTS,
    boundTo: DEAD_LETTERS,
    key: '#',
  },
  [UNREACHED_QUEUE]: {
    arguments: { ...UNREACHED_ARGUMENTS, ...KEEPS_ALL },
    earlier: UNREACHED_ARGUMENTS,
    boundTo: UNREACHED_EXCHANGE,
    key: UNREACHED_QUEUE,
  },
  [UNREACHED_DELAY_QUEUE]: {
    arguments: UNREACHED_DELAY_ARGUMENTS,
    boundTo: UNREACHED_EXCHANGE,
    key: UNREACHED_DELAY_QUEUE,
  },
};

/** The names of all queues with Carillon's messages. */
export function queuesOf(partitioning: Partitioning): readonly string[] {
  return [...Object.keys(QUEUES), ...queuesOfEvents(partitioning)];
}

/** One for each connection. It remembers which form each queue has. */
export class Topology {
  readonly #partitioning: Partitioning;
  readonly #earlier = new Set<string>();

  constructor(partitioning: Partitioning) {
    this.#partitioning = partitioning;
  }

  /** Queues in the form of an earlier version, without newer arguments. Known once everything is declared. */
  get earlier(): readonly string[] {
    return [...this.#earlier];
  }

  /**
   * Declares everything, where that is Carillon's task.
   *
   * @throws {TopologyMissing} when it is not, and something is missing
   * @throws {DeclaredDifferently} when something exists with other properties
   */
  async ensure(model: ChannelModel, { declares }: Pick<AmqpAddress, 'declares'>): Promise<void> {
    if (declares) return await this.declare(model);
    const { missing } = await missingIn(model, this.#partitioning, declares);
    if (missing.length > 0) throw new TopologyMissing(missing);
  }

  /**
   * Declares everything. What exists with the same properties stays as it is. The queues of another number of
   * partitions are left to consumers: only they can change it (layout-change.ts).
   *
   * @throws {DeclaredDifferently} when something exists with other properties
   */
  async declare(model: ChannelModel): Promise<void> {
    const asking = new Asking(model);
    try {
      for (const [name, type] of Object.entries(EXCHANGES)) {
        // Events get theirs last, when it leads somewhere.
        if (name === EVENTS_EXCHANGE) continue;
        await asking.ask((channel) => channel.assertExchange(name, type, { durable: true }));
      }
      for (const [name, form] of Object.entries(QUEUES)) {
        await this.#declareQueue(asking, name, form);
        await asking.ask((channel) => channel.bindQueue(name, form.boundTo, form.key));
      }
      const layout = await layoutIn(asking, this.#partitioning);
      if (!isConfigured(layout, this.#partitioning)) return await declareEventsExchange(asking);
      if (this.#partitioning.count === 1) await declareOneQueue(asking);
      else await declarePartitions(model, asking, this.#partitioning);
    } catch (error) {
      if (isCode(error, PRECONDITION_FAILED)) throw new DeclaredDifferently(error);
      throw error;
    } finally {
      asking.close();
    }
  }

  async #declareQueue(asking: Asking, name: string, form: QueueForm): Promise<void> {
    const isEarlier = this.#earlier.has(name);
    const declare = (given: QueueForm['arguments']) =>
      asking.ask((channel) => channel.assertQueue(name, { durable: true, arguments: given }));
    const [first, second] = isEarlier ? [form.earlier, form.arguments] : [form.arguments, form.earlier];
    try {
      await declare(first ?? form.arguments);
    } catch (error) {
      if (second === undefined || !isCode(error, PRECONDITION_FAILED)) throw error;
      await declare(second);
      if (isEarlier) this.#earlier.delete(name);
      else this.#earlier.add(name);
    }
  }
}

/** Names, as in `queue carillon.dead`. */
export interface Looked {
  readonly missing: readonly string[];
  /** What the user may not ask for, and so is not known to be missing: RabbitMQ 4.2.6 and 4.3.0 want `configure` for that. */
  readonly hidden: readonly string[];
}

/** What of the topology is not there. Bindings cannot be queried. */
export async function missingIn(
  model: ChannelModel,
  partitioning: Partitioning,
  declares: boolean,
): Promise<Looked> {
  const asking = new Asking(model);
  const missing: string[] = [];
  const hidden: string[] = [];
  const look = async (what: string, question: (channel: Channel) => PromiseLike<unknown>) => {
    try {
      await asking.ask(question);
    } catch (error) {
      if (isCode(error, ACCESS_REFUSED)) hidden.push(what);
      else if (isCode(error, NOT_FOUND)) missing.push(what);
      else throw error;
    }
  };
  const lookForExchange = (name: string) =>
    look(`exchange ${name}`, (channel) => channel.checkExchange(name));
  const lookForQueue = (name: string) => look(`queue ${name}`, (channel) => channel.checkQueue(name));
  try {
    for (const name of Object.keys(EXCHANGES)) await lookForExchange(name);
    for (const name of Object.keys(QUEUES)) await lookForQueue(name);
    // Which layout it is can be asked only by who may change it.
    if (declares && !isConfigured(await layoutIn(asking, partitioning), partitioning))
      return { missing, hidden };
    for (const name of exchangesOfPartitions(partitioning)) await lookForExchange(name);
    for (const name of queuesOfEvents(partitioning)) await lookForQueue(name);
  } finally {
    asking.close();
  }
  return { missing, hidden };
}
