/**
 * Which queues events go to before they are taken: one, or partitions. What is there in RabbitMQ tells in which layout
 * it is, and between which two: see docs/decisions/partitions.md. All steps may be done again, by anybody.
 */
import type { Channel, ChannelModel } from 'amqplib';
import { ACCESS_REFUSED, type Asking, isCode } from './asking.ts';
import {
  CONSUMERS_QUEUE,
  canaryKeyOf,
  DEAD_LETTERS,
  DELIVER_QUEUE,
  DIRECT_EXCHANGE,
  EVENTS_EXCHANGE,
  GATHERING_EXCHANGE,
  KEY_HEADER,
  MAX_PARTITIONS,
  markerOf,
  PARTITIONS_EXCHANGE,
  type Partitioning,
  partitionQueue,
  partitionQueues,
  SPREADING_EXCHANGE,
} from './names.ts';
import { PluginOff } from './topology-clash.ts';
import { TopologyMissing } from './topology-missing.ts';

/**
 * How often an event may be delivered without being settled before RabbitMQ itself makes it a dead letter. Only
 * processes that die while they work on it count, so this is far above any series of restarts.
 */
const DELIVERY_LIMIT = 100;

export const DELIVER_QUEUE_ARGUMENTS = {
  'x-queue-type': 'quorum',
  // One active consumer keeps the order; the others are on standby.
  'x-single-active-consumer': true,
  'x-delivery-limit': DELIVERY_LIMIT,
  'x-dead-letter-exchange': DEAD_LETTERS,
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
};

/** Nothing is in it. On one node only, it would be away with that node, and nobody could subscribe. */
export const CONSUMERS_QUEUE_ARGUMENTS = { 'x-queue-type': 'quorum' };

export const HASHING = 'x-consistent-hash';

/** Of a binding to an exchange that hashes: its share. */
export const WEIGHT = '1';

export function hashingArguments(by: Partitioning['by']): Readonly<Record<string, unknown>> {
  return by === 'key' ? { 'hash-header': KEY_HEADER } : {};
}

/** `ours`: as this process is configured. `spreading` and `gathering`: on the way to partitions, or from them. */
export type Layout = 'one queue' | 'ours' | 'others' | 'spreading' | 'gathering';

/** Asked every few seconds: in a layout that is ours, nothing that is asked makes RabbitMQ log an error. */
export async function layoutIn(asking: Asking, partitioning: Partitioning): Promise<Layout> {
  const wantsPartitions = partitioning.count > 1;
  if (!wantsPartitions && !(await mayHavePartitions(asking))) return 'one queue';
  const isOurs = wantsPartitions && (await asking.has({ exchange: markerOf(partitioning) }));
  if (!isOurs && !(await asking.has({ exchange: PARTITIONS_EXCHANGE }))) return 'one queue';
  if (await asking.hasBound(GATHERING_EXCHANGE)) return 'gathering';
  if (await asking.hasBound(SPREADING_EXCHANGE)) return 'spreading';
  return isOurs ? 'ours' : 'others';
}

/** Connections whose user has no right to partitions. RabbitMQ logs each refusal, so it is not asked again. */
const WITHOUT_RIGHT = new WeakSet<ChannelModel>();

async function mayHavePartitions(asking: Asking): Promise<boolean> {
  if (WITHOUT_RIGHT.has(asking.model)) return false;
  const isThere = await asking.hasBound(DIRECT_EXCHANGE);
  if (isThere === undefined) WITHOUT_RIGHT.add(asking.model);
  return isThere === true;
}

export function isConfigured(layout: Layout, { count }: Partitioning): boolean {
  return layout === (count === 1 ? 'one queue' : 'ours');
}

/** The queue whose active consumer leads from this layout to another. */
export function firstQueueOf(layout: Layout): string {
  return layout === 'one queue' || layout === 'spreading' ? DELIVER_QUEUE : partitionQueue(0);
}

export const EVENTS_EXCHANGE_TYPE = 'topic';

/**
 * MUST be declared after the queues, and right before it is bound to them: RabbitMQ confirms what comes to an exchange
 * without a binding, and drops it, or gives it back to who publishes with `mandatory`.
 */
export async function declareEventsExchange(asking: Asking): Promise<void> {
  await asking.ask((channel) =>
    channel.assertExchange(EVENTS_EXCHANGE, EVENTS_EXCHANGE_TYPE, { durable: true }),
  );
}

/** Declares the one queue, and leads all events to it. */
export async function declareOneQueue(asking: Asking): Promise<void> {
  await declareQueue(asking, DELIVER_QUEUE);
  await declareEventsExchange(asking);
  await asking.ask((channel) => channel.bindQueue(DELIVER_QUEUE, EVENTS_EXCHANGE, '#'));
}

/** Declares all of it, and leads all events to the partitions; what exists stays. @throws {PluginOff} */
export async function declarePartitions(
  model: ChannelModel,
  asking: Asking,
  partitioning: Partitioning,
): Promise<void> {
  const { count, by } = partitioning;
  await declareDirect(asking);
  await declareHashing(model, asking, PARTITIONS_EXCHANGE, hashingArguments(by));
  for (const queue of partitionQueues(count)) {
    await declareQueue(asking, queue);
    await asking.ask((channel) => channel.bindQueue(queue, PARTITIONS_EXCHANGE, WEIGHT));
  }
  await declareEventsExchange(asking);
  await asking.ask((channel) => channel.bindExchange(PARTITIONS_EXCHANGE, EVENTS_EXCHANGE, '#'));
  // The last: it says that all the others are there.
  await asking.ask((channel) => channel.assertExchange(markerOf(partitioning), 'fanout', { durable: true }));
}

/** Lets canaries into each partition. MUST NOT be called before partitions are consumed. */
export async function openToCanaries(asking: Asking, { count }: Partitioning): Promise<void> {
  for (const queue of partitionQueues(count))
    await asking.ask((channel) => channel.bindQueue(queue, DIRECT_EXCHANGE, canaryKeyOf(queue)));
}

/** Whoever is in line at this queue can be asked for by its name. */
export async function nameFor(asking: Asking, queue: string): Promise<void> {
  await asking.ask((channel) => channel.bindQueue(queue, DIRECT_EXCHANGE, queue));
}

export async function declareConsumersQueue(channel: Channel): Promise<void> {
  await channel.assertQueue(CONSUMERS_QUEUE, { durable: true, arguments: CONSUMERS_QUEUE_ARGUMENTS });
}

export async function declareDirect(asking: Asking): Promise<void> {
  await asking.ask(declareConsumersQueue);
  await declareBound(asking, DIRECT_EXCHANGE, 'direct');
}

/** Before new partitions: those that a change before this one left without any event, because it never came to its end. */
export async function deleteStray(asking: Asking, { count }: Partitioning): Promise<void> {
  await asking.ask((channel) => channel.deleteExchange(GATHERING_EXCHANGE));
  for (let partition = count; partition < MAX_PARTITIONS; partition += 1)
    await asking.ask((channel) => channel.deleteQueue(partitionQueue(partition)));
}

/** Of the partitions that are there, whoever declared them; undefined when they are not complete. */
export async function partitioningIn(asking: Asking): Promise<Partitioning | undefined> {
  for (let count = 2; count <= MAX_PARTITIONS; count += 1)
    for (const by of ['key', 'routing-key'] as const)
      if (await asking.has({ exchange: markerOf({ count, by }) })) return { count, by };
  return undefined;
}

/** From now on it is spread, whoever goes on with it. */
export async function beginSpreading(asking: Asking): Promise<void> {
  await declareBound(asking, SPREADING_EXCHANGE, 'fanout');
}

/** The one queue MUST be empty, closed, and in nobody's hand. */
export async function endSpreading(asking: Asking): Promise<void> {
  await asking.ask((channel) => channel.deleteQueue(DELIVER_QUEUE));
  await asking.ask((channel) => channel.deleteExchange(SPREADING_EXCHANGE));
}

/** Partitions that were never complete: the one queue still has all that they have. */
export async function giveUpSpreading(asking: Asking): Promise<void> {
  await asking.ask((channel) => channel.deleteExchange(PARTITIONS_EXCHANGE));
  await deleteStray(asking, { count: 0, by: 'key' });
  for (const exchange of [DIRECT_EXCHANGE, SPREADING_EXCHANGE])
    await asking.ask((channel) => channel.deleteExchange(exchange));
  await asking.ask((channel) => channel.deleteQueue(CONSUMERS_QUEUE));
}

/** No more events from Carillon's own exchange come into the one queue. */
export async function closeOneQueue(asking: Asking): Promise<void> {
  await asking.ask((channel) => channel.unbindQueue(DELIVER_QUEUE, EVENTS_EXCHANGE, '#'));
}

/** From now on it is gathered, whoever goes on with it. */
export async function beginGathering(asking: Asking): Promise<void> {
  await declareBound(asking, GATHERING_EXCHANGE, 'fanout');
  await declareOneQueue(asking);
}

/**
 * No more events come into these partitions, from wherever. First of all nothing may come to what spreads them any more:
 * while only some are unbound, it leads keys of theirs to others, past what still waits.
 */
export async function closePartitions(asking: Asking, queues: readonly string[]): Promise<void> {
  await asking.ask((channel) => channel.unbindExchange(PARTITIONS_EXCHANGE, EVENTS_EXCHANGE, '#'));
  for (const queue of queues) {
    await asking.ask((channel) => channel.unbindQueue(queue, PARTITIONS_EXCHANGE, WEIGHT));
    await asking.ask((channel) => channel.unbindQueue(queue, DIRECT_EXCHANGE, canaryKeyOf(queue)));
  }
}

/** They MUST be empty, closed, and in nobody's hand. The first one is deleted last: others wait for that. */
export async function deletePartitions(asking: Asking, queues: readonly string[]): Promise<void> {
  for (const queue of queues.toReversed()) await asking.ask((channel) => channel.deleteQueue(queue));
}

/** What is left when the partitions are gone. `gathering` goes last. */
export async function endGathering(asking: Asking): Promise<void> {
  const partitioning = await partitioningIn(asking);
  if (partitioning !== undefined)
    await asking.ask((channel) => channel.deleteExchange(markerOf(partitioning)));
  await asking.ask((channel) => channel.deleteExchange(PARTITIONS_EXCHANGE));
  await asking.ask((channel) => channel.deleteExchange(DIRECT_EXCHANGE));
  await asking.ask((channel) => channel.deleteExchange(GATHERING_EXCHANGE));
  await asking.ask((channel) => channel.deleteQueue(CONSUMERS_QUEUE));
}

/**
 * Changes nothing: RabbitMQ looks at an exchange's type first, and then refuses a name that is its own.
 * @throws {PluginOff}
 */
export async function requirePlugin(model: ChannelModel, asking: Asking): Promise<void> {
  try {
    await declareHashing(model, asking, 'amq.carillon', {});
  } catch (error) {
    if (!isCode(error, ACCESS_REFUSED)) throw error;
  }
}

/**
 * For who cannot change the layout. Somebody else may, and events in the new queues then have to wait for the old ones.
 * @throws {TopologyMissing}
 */
export async function requireUnchanging(asking: Asking, { count }: Partitioning): Promise<void> {
  for (const exchange of count === 1 ? [GATHERING_EXCHANGE] : [SPREADING_EXCHANGE, GATHERING_EXCHANGE])
    if (await asking.has({ exchange })) throw new TopologyMissing(['the end of a change of partitions']);
}

async function declareQueue(asking: Asking, queue: string): Promise<void> {
  await asking.ask((channel) =>
    channel.assertQueue(queue, { durable: true, arguments: DELIVER_QUEUE_ARGUMENTS }),
  );
}

/** Bound to a queue of which nothing is published: so that it is in use. Somebody who looks may delete it before that. */
async function declareBound(asking: Asking, exchange: string, type: 'fanout' | 'direct'): Promise<void> {
  await asking.ask((channel) => channel.assertExchange(exchange, type, { durable: true }));
  await asking.ask((channel) => channel.bindQueue(CONSUMERS_QUEUE, exchange, CONSUMERS_QUEUE));
}

/** RabbitMQ closes the connection for a type that it does not know, not only the channel. */
async function declareHashing(
  model: ChannelModel,
  asking: Asking,
  exchange: string,
  given: Readonly<Record<string, unknown>>,
): Promise<void> {
  let closedBy: unknown;
  const onError = (error: unknown) => {
    closedBy = error;
  };
  model.on('error', onError);
  try {
    await asking.ask((channel) =>
      channel.assertExchange(exchange, HASHING, { durable: true, arguments: given }),
    );
  } catch (error) {
    if (isUnknownType(error) || isUnknownType(closedBy)) throw new PluginOff();
    throw error;
  } finally {
    model.off('error', onError);
  }
}

function isUnknownType(error: unknown): boolean {
  return error instanceof Error && /unknown exchange type|invalid exchange type/i.test(error.message);
}
