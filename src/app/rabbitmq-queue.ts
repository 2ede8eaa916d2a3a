/** Production's queue: RabbitMQ, with a consumer in processes that have that role. */

import {
  canaryKeyOf,
  DEAD_LETTERS,
  DIRECT_EXCHANGE,
  EVENTS_EXCHANGE,
  isDeliverQueue,
  KEY_HEADER,
  type Partitioning,
  partitioningOf,
  partitionQueue,
  queuesOfEvents,
} from '../adapters/rabbitmq/names.ts';
import { type Publisher, Unroutable } from '../adapters/rabbitmq/publisher.ts';
import { type QueueDepth, QueueDepths } from '../adapters/rabbitmq/queue-depths.ts';
import { TopologyWatch } from '../adapters/rabbitmq/topology-watch.ts';
import type { AmqpAddress } from '../config/amqp-address.ts';
import { STRUCTURED_TYPE, textOfEvent } from '../contract/cloudevent.ts';
import { CANARY_TYPE } from '../contract/event.ts';
import type { PartHealth } from '../contract/health.ts';
import { partitionKeyOf } from '../contract/partition-key.ts';
import { whether } from '../observe/health.ts';
import type { Waiting } from '../observe/outcomes/explain.ts';
import { RabbitMqDeadLetterStore } from '../operate/dead-letters/rabbitmq-dead-letter-store.ts';
import { PUBLISHED_AT_HEADER } from '../pipeline/ingest/published-at.ts';
import { Consumer } from '../pipeline/ingest/rabbitmq-consumer.ts';
import type { SourceConnections } from '../pipeline/ingest/source-connections.ts';
import { NotUsable } from '../pipeline/reloaded-file.ts';
import type { Context } from './context.ts';
import type { Delivery, Partitions, Queue } from './queue.ts';
import { openQueuesLook } from './rabbitmq-queues-look.ts';
import type { Store } from './store.ts';

/** The later checks of whether notifications have reached their users. */
export interface Checks {
  open(address: AmqpAddress): Promise<void>;
  /** MUST be called before waiting for events under way to be settled. */
  stop(): void;
  drain(): Promise<void>;
  close(): Promise<void>;
}

interface RabbitMqParts {
  readonly address: AmqpAddress;
  /** Opened by {@link openRabbitMqQueue}. */
  readonly publisher: Publisher;
  readonly store: Pick<Store, 'isReachable' | 'now'>;
  readonly checks: Checks | undefined;
  readonly delivery: Delivery;
}

export async function openRabbitMqQueue(context: Context, parts: RabbitMqParts): Promise<Queue> {
  const { log, metrics, closers } = context;
  const { address, publisher, checks, store } = parts;
  const partitioning = partitioningOf(context.config);
  closers.add('the publisher', () => publisher.close());
  await publisher.open(address);
  const consumer = await openConsumer(context, parts);
  if (checks !== undefined) closers.add('the checks of unreached notifications', () => checks.close());
  await checks?.open(address);
  // RabbitMQ may block the publisher's connection, and then answers nothing on it. So the consumer's is used if there
  // is one.
  const model = () => consumer?.model ?? publisher.model;
  const depths = new QueueDepths(model, () => [...queuesOfEvents(partitioning), DEAD_LETTERS]);
  const topology = new TopologyWatch({
    model: () => connectedModel(consumer ?? publisher),
    declares: address.declares,
    partitioning,
    log,
  });
  publisher.onUnroutable(() => topology.unroutable());
  closers.add('the watch over the topology', () => topology.stop());
  topology.start();
  metrics.watch({
    queues: () => depths.read(),
    ...(consumer === undefined
      ? {}
      : { consumer: () => consumer, connectedSources: () => consumer.sources?.states ?? [] }),
  });
  return {
    deadLetterStore: new RabbitMqDeadLetterStore(address, publisher),
    waiting: async () => waitingIn(await depths.read()),
    dead: async () => (await depths.read()).find(({ queue }) => queue === DEAD_LETTERS)?.messages,
    look: openQueuesLook({
      model,
      partitioning,
      depths,
      sources: () => context.reader.sources ?? [],
      consumer,
    }),
    publish: createPublish(context, publisher, store.now),
    useSources: async (sources) => {
      const troubles = (await consumer?.sources?.troublesWith(sources)) ?? [];
      if (troubles.length > 0) throw new NotUsable(troubles);
      // In one turn: what comes from a queue that is no source any more MUST NOT be read.
      context.reader.use(sources);
      consumer?.sources?.use(sources);
    },
    partitions: partitioning.count === 1 ? undefined : partitionsOf(partitioning, publisher),
    probes: {
      rabbitmq: () => whether(publisher.trouble === undefined, publisher.trouble ?? ''),
      topology: () => topology.health,
      ...(consumer === undefined ? {} : { consumer: () => healthOf(consumer) }),
      ...(consumer === undefined || context.sources === undefined
        ? {}
        : { sources: () => healthOfSources(consumer.sources?.states ?? []) }),
    },
    drain: async () => {
      checks?.stop();
      await Promise.all([consumer?.drain(), checks?.drain()]);
    },
  };
}

async function openConsumer(
  { config, log, closers, onFatal, sources, reader }: Context,
  { address, publisher, store, delivery }: RabbitMqParts,
): Promise<Consumer | undefined> {
  if (!config.ROLES.includes('consumer')) return undefined;
  const consumer = new Consumer({
    partitioning: partitioningOf(config),
    prefetch: config.PREFETCH,
    reader,
    sources,
    ...delivery,
    publisher,
    now: store.now,
    isStoreUp: () => store.isReachable(),
    log,
    onClash: onFatal,
  });
  closers.add('the consumer', () => consumer.close());
  await consumer.open(address);
  return consumer;
}

/** On standby it is ready as others on standby are: a rolling restart waits for that. */
function healthOf({ state, reason, line }: Consumer): PartHealth {
  if (state !== 'up' || line === undefined) return whether(state === 'up', reason);
  return { ok: true, reason: `in line at ${line}: RabbitMQ has another number of partitions` };
}

function waitingIn(depths: readonly QueueDepth[]): Waiting | undefined {
  const queues = depths.filter(({ queue }) => isDeliverQueue(queue));
  if (queues.length === 0) return undefined;
  return {
    events: queues.reduce((sum, { messages }) => sum + messages, 0),
    consumers: Math.min(...queues.map(({ consumers }) => consumers)),
    partitions: queues.length === 1 ? [] : queues,
  };
}

/** Works whatever is missing: events of all others get through. */
function healthOfSources(sources: SourceConnections['states']): PartHealth {
  const waiting = sources.filter(({ trouble }) => trouble !== undefined);
  if (waiting.length === 0) return { ok: true };
  return {
    ok: true,
    reason: `waits for ${waiting.map(({ source, trouble }) => `${source}: ${trouble}`).join('; ')}`,
  };
}

/** Only once its topology is declared: before that, all of it may be missing. */
function connectedModel({ state, model }: Pick<Consumer | Publisher, 'state' | 'model'>) {
  return state === 'connecting' || state === 'down' || state === 'clash' ? undefined : model;
}

/**
 * Since version 4, quorum queues deliver messages with a high priority first. So a backlog that is being worked off
 * does not make every gateway look dead. Older versions ignore it.
 */
const CANARY_PROPERTIES = { priority: 9 };

function partitionsOf({ count }: Partitioning, publisher: Publisher): Partitions {
  return {
    count,
    publish: async (partition, read) => {
      const key = canaryKeyOf(partitionQueue(partition));
      const options = { contentType: STRUCTURED_TYPE, ...CANARY_PROPERTIES };
      try {
        await publisher.publish(DIRECT_EXCHANGE, key, Buffer.from(textOfEvent(read)), options);
        return true;
      } catch (error) {
        if (error instanceof Unroutable) return false;
        throw error;
      }
    },
  };
}

function createPublish(
  { config, metrics }: Context,
  publisher: Publisher,
  now: () => number,
): Queue['publish'] {
  const isKeyed = config.PARTITIONS > 1 && config.PARTITION_BY === 'key';
  return async (read) => {
    const { event } = read;
    const isCanary = event.type === CANARY_TYPE;
    const begunMs = performance.now();
    const confirmed = publisher.publish(EVENTS_EXCHANGE, event.type, Buffer.from(textOfEvent(read)), {
      contentType: STRUCTURED_TYPE,
      headers: {
        [PUBLISHED_AT_HEADER]: now(),
        ...(isKeyed ? { [KEY_HEADER]: partitionKeyOf(read) } : {}),
      },
      ...(isCanary ? CANARY_PROPERTIES : {}),
    });
    const count = (error: '' | 'broker_unavailable') => {
      if (!isCanary) metrics.published(performance.now() - begunMs, error);
    };
    confirmed.then(
      () => count(''),
      () => count('broker_unavailable'),
    );
    await confirmed;
  };
}
