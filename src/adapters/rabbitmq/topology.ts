/**
 * The exchanges and queues in RabbitMQ. Every process declares all of them, so that none depends on another's start,
 * and again when one has been deleted; or only looks for them, when somebody else declares them (AMQP_DECLARE).
 */
import type { Channel, ChannelModel } from 'amqplib';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import { ACCESS_REFUSED, Asking, isCode, NOT_FOUND, PRECONDITION_FAILED } from './asking.ts';

export const EVENTS_EXCHANGE = 'carillon.events';
export const DELIVER_QUEUE = 'carillon.deliver';
export const DEAD_LETTERS = 'carillon.dead';
/** Who has it, has the dead letters in hand. */
export const DEAD_LETTERS_LOCK = 'carillon.dead.lock';
export const SIGNALS_EXCHANGE = 'carillon.signals';
/** Checks wait in the delay queue until their time, and then pass through the exchange to the other queue. */
export const UNREACHED_EXCHANGE = 'carillon.unreached';
export const UNREACHED_DELAY_QUEUE = 'carillon.unreached.delay';
export const UNREACHED_QUEUE = 'carillon.unreached';

/**
 * How often an event may be delivered without being settled before RabbitMQ itself makes it a dead letter. Only
 * processes that die while they work on it count, so this is far above any series of restarts.
 */
const DELIVERY_LIMIT = 100;

const DELIVER_QUEUE_ARGUMENTS = {
  'x-queue-type': 'quorum',
  // One active consumer keeps the order; the others are on standby.
  'x-single-active-consumer': true,
  'x-delivery-limit': DELIVERY_LIMIT,
  'x-dead-letter-exchange': DEAD_LETTERS,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
};

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
  [EVENTS_EXCHANGE]: 'topic',
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

export const QUEUES: Readonly<Record<string, QueueForm>> = {
  [DEAD_LETTERS]: {
    arguments: { ...DEAD_LETTERS_ARGUMENTS, ...KEEPS_ALL },
    earlier: DEAD_LETTERS_ARGUMENTS,
    boundTo: DEAD_LETTERS,
    key: '#',
  },
  [DELIVER_QUEUE]: { arguments: DELIVER_QUEUE_ARGUMENTS, boundTo: EVENTS_EXCHANGE, key: '#' },
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

/** A queue or an exchange of ours exists with other properties. Retrying cannot help; an operator must act. */
export class TopologyClash extends Error {
  readonly code = 'topology_clash';

  constructor(cause: Error) {
    super(
      `RabbitMQ has a queue or exchange of ours that was declared differently: ${cause.message}. ` +
        'Delete it, or point AMQP_URL at another virtual host.',
      { cause },
    );
  }
}

/** Something is not there, and somebody else declares it. It is waited for. */
export class TopologyMissing extends Error {
  readonly code = 'topology_missing';

  constructor(missing: readonly string[]) {
    super(
      `missing: ${missing.join(', ')}; AMQP_DECLARE is false, so import what \`carillon topology\` prints`,
    );
  }
}

/** One for each connection. It remembers which form each queue has. */
export class Topology {
  readonly #earlier = new Set<string>();

  /** Queues in the form of an earlier version, without newer arguments. Known once everything is declared. */
  get earlier(): readonly string[] {
    return [...this.#earlier];
  }

  /**
   * Declares everything, where that is Carillon's task.
   *
   * @throws {TopologyMissing} when it is not, and something is missing
   * @throws {TopologyClash} when something exists with other properties
   */
  async ensure(model: ChannelModel, { declares }: Pick<AmqpAddress, 'declares'>): Promise<void> {
    if (declares) return await this.declare(model);
    const missing = await missingIn(model);
    if (missing.length > 0) throw new TopologyMissing(missing);
  }

  /**
   * Declares everything. What exists with the same properties stays as it is.
   *
   * @throws {TopologyClash} when something exists with other properties
   */
  async declare(model: ChannelModel): Promise<void> {
    const asking = new Asking(model);
    try {
      for (const [name, type] of Object.entries(EXCHANGES))
        await asking.ask((channel) => channel.assertExchange(name, type, { durable: true }));
      for (const [name, form] of Object.entries(QUEUES)) {
        await this.#declareQueue(asking, name, form);
        await asking.ask((channel) => channel.bindQueue(name, form.boundTo, form.key));
      }
    } catch (error) {
      if (isCode(error, PRECONDITION_FAILED)) throw new TopologyClash(error);
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

/**
 * The names of what is missing, as in `queue carillon.dead`. Bindings cannot be queried. RabbitMQ 4.2.6 and 4.3.0 let
 * nobody ask who may not configure: what may not be asked for is not known to be missing.
 */
export async function missingIn(model: ChannelModel): Promise<readonly string[]> {
  const asking = new Asking(model);
  const missing: string[] = [];
  const look = async (what: string, question: (channel: Channel) => PromiseLike<unknown>) => {
    try {
      await asking.ask(question);
    } catch (error) {
      if (isCode(error, ACCESS_REFUSED)) return;
      if (!isCode(error, NOT_FOUND)) throw error;
      missing.push(what);
    }
  };
  try {
    for (const name of Object.keys(EXCHANGES))
      await look(`exchange ${name}`, (channel) => channel.checkExchange(name));
    for (const name of Object.keys(QUEUES))
      await look(`queue ${name}`, (channel) => channel.checkQueue(name));
  } finally {
    asking.close();
  }
  return missing;
}
