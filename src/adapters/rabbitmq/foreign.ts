/**
 * Exchanges and queues that are not Carillon's: looked at and used as they are, never declared, changed or deleted. What
 * is wrong with one is told in words, and is no failure: it is looked at again later.
 */
import type { Channel, ChannelModel } from 'amqplib';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import { ACCESS_REFUSED, Asking, isCode, NOT_FOUND, PRECONDITION_FAILED, RESOURCE_LOCKED } from './asking.ts';
import { refusalIn } from './refusal.ts';

/** What is said of something that is not there. */
export const ABSENT = 'it does not exist';

export interface Binding {
  readonly exchange: string;
  readonly keys: readonly string[];
}

/** Of Carillon's own: where a source's messages go to. */
type Target = { readonly queue: string } | { readonly exchange: string };

/**
 * Binds a queue or an exchange of Carillon's to it; what is bound already stays so. A missing exchange is asked for first: binding
 * to one that is not there closes the channel as well, and says less.
 *
 * @returns why it is not bound; undefined when it is. Rejects when the connection fails.
 */
export async function bindForeign(
  model: ChannelModel,
  target: Target,
  binding: Binding,
  login: AmqpAddress,
): Promise<string | undefined> {
  return await refusalOfKeys(model, binding, login, (channel, exchange, key) =>
    'queue' in target
      ? channel.bindQueue(target.queue, exchange, key)
      : channel.bindExchange(target.exchange, exchange, key),
  );
}

/** No binding has it, so that nothing is there to be unbound. */
const UNUSED = { 'x-carillon-asks': true };

/**
 * Why it could not be bound; undefined when it could. Changes nothing: it asks RabbitMQ to take away bindings that are
 * not there, for which the same must exist, and the same rights are needed, as for binding.
 */
export async function bindingTrouble(
  model: ChannelModel,
  target: Target,
  binding: Binding,
  login: AmqpAddress,
): Promise<string | undefined> {
  return await refusalOfKeys(model, binding, login, (channel, exchange, key) =>
    'queue' in target
      ? channel.unbindQueue(target.queue, exchange, key, UNUSED)
      : channel.unbindExchange(target.exchange, exchange, key, UNUSED),
  );
}

/** Asks this for each key of an exchange that is there. Resolves with why RabbitMQ refused; undefined when it did not. */
async function refusalOfKeys(
  model: ChannelModel,
  { exchange, keys }: Binding,
  login: AmqpAddress,
  ask: (channel: Channel, exchange: string, key: string) => Promise<unknown>,
): Promise<string | undefined> {
  const asking = new Asking(model);
  try {
    await asking.ask((channel) => channel.checkExchange(exchange));
    for (const key of keys) await asking.ask((channel) => ask(channel, exchange, key));
    return undefined;
  } catch (error) {
    return troubleIn(error, login);
  } finally {
    asking.close();
  }
}

/**
 * Where somebody else binds: why nothing comes from this exchange; undefined when nothing speaks against it. Who may not
 * even look needs no right to be bound to it.
 */
export async function missingExchange(
  model: ChannelModel,
  exchange: string,
  login: AmqpAddress,
): Promise<string | undefined> {
  const asking = new Asking(model);
  try {
    await asking.ask((channel) => channel.checkExchange(exchange));
    return undefined;
  } catch (error) {
    return isCode(error, ACCESS_REFUSED) ? undefined : troubleIn(error, login);
  } finally {
    asking.close();
  }
}

/** It MUST exist. What is not bound stays so. Rejects when the connection fails. */
export async function unbindForeign(
  model: ChannelModel,
  target: Target,
  { exchange, keys }: Binding,
): Promise<void> {
  const asking = new Asking(model);
  try {
    for (const key of keys)
      await asking.ask((channel) =>
        'queue' in target
          ? channel.unbindQueue(target.queue, exchange, key)
          : channel.unbindExchange(target.exchange, exchange, key),
      );
  } finally {
    asking.close();
  }
}

const STREAM =
  'it is a stream, which cannot be consumed as a queue: bind a quorum queue to its exchange instead';

/**
 * Why a queue cannot be consumed; undefined when it can. Rejects when the connection fails.
 *
 * A stream gives each new consumer what comes from then on, and forgets nothing that is acknowledged: events would be
 * lost at each reconnect. RabbitMQ does not tell what a queue is, but takes a stream's offset for nothing else.
 */
export async function consumingTrouble(
  model: ChannelModel,
  queue: string,
  login: AmqpAddress,
): Promise<string | undefined> {
  const asking = new Asking(model);
  const asStream = async (channel: Channel) => {
    await channel.prefetch(1);
    await channel.consume(queue, () => {}, { arguments: { 'x-stream-offset': 'next' } });
  };
  try {
    await asking.ask(asStream);
    return STREAM;
  } catch (error) {
    if (!isCode(error, PRECONDITION_FAILED)) return troubleIn(error, login);
    return isWithoutReplica(error) ? STREAM : undefined;
  } finally {
    asking.close();
  }
}

/**
 * Whether RabbitMQ says that the node has no replica of a stream: while the stream begins, when it has failed there, or
 * because its replicas are on other nodes. It says so of nothing but streams, and with the same code as what is none.
 */
export function isWithoutReplica({ message }: Error): boolean {
  return message.includes('replica on the local node');
}

/** @throws the error itself, when it is not RabbitMQ's answer about this one thing */
function troubleIn(error: unknown, login: AmqpAddress): string {
  if (isCode(error, NOT_FOUND)) return ABSENT;
  if (isCode(error, RESOURCE_LOCKED)) return 'it is exclusive to another connection';
  if (!isCode(error, ACCESS_REFUSED)) throw error;
  return refusalIn(error, login)?.message ?? 'it is used exclusively by another consumer, or may not be used';
}
