/**
 * Exchanges and queues in RabbitMQ, declared by every process alike so that none depends on another's start, and again
 * whenever one of them is not there any more.
 */
import type { Channel, ChannelModel } from 'amqplib';

export const EVENTS_EXCHANGE = 'carillon.events';
export const DELIVER_QUEUE = 'carillon.deliver';
export const DEAD_LETTERS = 'carillon.dead';
export const SIGNALS_EXCHANGE = 'carillon.signals';
/** Checks wait in the one queue until their time, and then come by the exchange to the other. */
export const UNREACHED_EXCHANGE = 'carillon.unreached';
export const UNREACHED_DELAY_QUEUE = 'carillon.unreached.delay';
export const UNREACHED_QUEUE = 'carillon.unreached';

/**
 * How often an event may come back unsettled before RabbitMQ itself makes it a dead letter. Only a process that
 * dies with the event in hand counts here, so the bound is far above any series of restarts.
 */
const DELIVERY_LIMIT = 100;

const DELIVER_QUEUE_ARGUMENTS = {
  'x-queue-type': 'quorum',
  // One consumer at a time keeps the order; the others wait to take over.
  'x-single-active-consumer': true,
  'x-delivery-limit': DELIVERY_LIMIT,
  'x-dead-letter-exchange': DEAD_LETTERS,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
};

/**
 * Whoever looks at dead letters takes them and gives them back, which RabbitMQ counts: with the limit of 20 that
 * RabbitMQ 4 sets by itself, the 21st look would throw them away. With any limit a quorum queue also puts back what is
 * returned where it was, and without one at the end.
 */
const DEAD_LETTERS_ARGUMENTS = { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000_000 };

/** A policy of somebody else's that limits a queue's length has it throw away the oldest, unless either says otherwise. */
const KEEPS_ALL = { 'x-overflow': 'reject-publish' };

const UNREACHED_DELAY_ARGUMENTS = {
  'x-queue-type': 'quorum',
  'x-dead-letter-exchange': UNREACHED_EXCHANGE,
  'x-dead-letter-routing-key': UNREACHED_QUEUE,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
};

/** No limit that matters: a check that was in hand when processes died is still to be judged. */
const UNREACHED_ARGUMENTS = {
  'x-queue-type': 'quorum',
  'x-single-active-consumer': true,
  'x-delivery-limit': 1_000_000_000,
};

const EXCHANGES: Readonly<Record<string, 'topic' | 'direct'>> = {
  [EVENTS_EXCHANGE]: 'topic',
  [SIGNALS_EXCHANGE]: 'topic',
  [DEAD_LETTERS]: 'topic',
  [UNREACHED_EXCHANGE]: 'direct',
};

interface QueueForm {
  readonly arguments: Readonly<Record<string, unknown>>;
  /** How an earlier version declared it. A queue that exists so is good too: arguments cannot be changed. */
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

/** Something of ours exists in RabbitMQ with other properties. Trying again cannot help; an operator must. */
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

/** AMQP 0-9-1 reply codes. */
const [NOT_FOUND, PRECONDITION_FAILED] = [404, 406];

/** One for each connection: it remembers in which form its queues are there. */
export class Topology {
  readonly #earlier = new Set<string>();

  /** Queues that an earlier version declared, without arguments that are new since; known once all is declared. */
  get earlier(): readonly string[] {
    return [...this.#earlier];
  }

  /**
   * Declares everything; what exists already with the same properties stays as it is.
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
      await asking.close();
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

/** Names of what is not there, as in `queue carillon.dead`. Bindings cannot be asked for. */
export async function missingIn(model: ChannelModel): Promise<readonly string[]> {
  const asking = new Asking(model);
  const missing: string[] = [];
  const look = async (what: string, question: (channel: Channel) => PromiseLike<unknown>) => {
    try {
      await asking.ask(question);
    } catch (error) {
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
    await asking.close();
  }
  return missing;
}

/** A channel for questions: RabbitMQ closes it when it answers one with no, and the next question opens another. */
class Asking {
  readonly #model: ChannelModel;
  #channel: Channel | undefined;

  constructor(model: ChannelModel) {
    this.#model = model;
  }

  async ask(question: (channel: Channel) => PromiseLike<unknown>): Promise<void> {
    await question(this.#channel ?? (await this.#open()));
  }

  async close(): Promise<void> {
    try {
      await this.#channel?.close();
    } catch {
      // It is gone with its connection.
    }
  }

  async #open(): Promise<Channel> {
    const channel = await this.#model.createChannel();
    channel.on('error', () => {});
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    this.#channel = channel;
    return channel;
  }
}

function isCode(error: unknown, code: number): error is Error {
  return error instanceof Error && 'code' in error && error.code === code;
}
