/** Production's queue: RabbitMQ, with a consumer in processes that have that role. */
import type { Publisher } from '../adapters/rabbitmq/publisher.ts';
import { QueueDepths } from '../adapters/rabbitmq/queue-depths.ts';
import { DEAD_LETTERS, DELIVER_QUEUE, EVENTS_EXCHANGE } from '../adapters/rabbitmq/topology.ts';
import { TopologyWatch } from '../adapters/rabbitmq/topology-watch.ts';
import type { AmqpAddress } from '../config/amqp-address.ts';
import { STRUCTURED_TYPE, textOfEvent } from '../contract/cloudevent.ts';
import { CANARY_TYPE } from '../contract/event.ts';
import type { PartHealth } from '../contract/health.ts';
import { whether } from '../observe/health.ts';
import { RabbitMqDeadLetterStore } from '../operate/dead-letters/rabbitmq-dead-letter-store.ts';
import { PUBLISHED_AT_HEADER } from '../pipeline/ingest/published-at.ts';
import { Consumer } from '../pipeline/ingest/rabbitmq-consumer.ts';
import type { Context } from './context.ts';
import type { Delivery, Queue } from './queue.ts';
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
  closers.add('the publisher', () => publisher.close());
  await publisher.open(address);
  const consumer = await openConsumer(context, parts);
  if (checks !== undefined) closers.add('the checks of unreached notifications', () => checks.close());
  await checks?.open(address);
  // RabbitMQ may block the publisher's connection, and then answers nothing on it. So the consumer's is used if there
  // is one.
  const depths = new QueueDepths(() => consumer?.model ?? publisher.model);
  const topology = new TopologyWatch({
    model: () => connectedModel(consumer ?? publisher),
    declares: address.declares,
    log,
  });
  publisher.onUnroutable(() => topology.unroutable());
  closers.add('the watch over the topology', () => topology.stop());
  topology.start();
  metrics.watch({
    queues: () => depths.read(),
    ...(consumer === undefined ? {} : { consumer: () => consumer, connectedSources: () => consumer.sources }),
  });
  return {
    deadLetterStore: new RabbitMqDeadLetterStore(address, publisher),
    waiting: async () => {
      const deliver = (await depths.read()).find(({ queue }) => queue === DELIVER_QUEUE);
      return deliver === undefined ? undefined : { events: deliver.messages, consumers: deliver.consumers };
    },
    dead: async () => (await depths.read()).find(({ queue }) => queue === DEAD_LETTERS)?.messages,
    publish: createPublish(context, publisher, store.now),
    probes: {
      rabbitmq: () => whether(publisher.trouble === undefined, publisher.trouble ?? ''),
      topology: () => topology.health,
      ...(consumer === undefined
        ? {}
        : { consumer: () => whether(consumer.state === 'up', consumer.reason) }),
      ...(consumer === undefined || context.sources === undefined
        ? {}
        : { sources: () => healthOfSources(consumer.sources) }),
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

/** Works whatever is missing: events of all others get through. */
function healthOfSources(sources: Consumer['sources']): PartHealth {
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

function createPublish({ metrics }: Context, publisher: Publisher, now: () => number): Queue['publish'] {
  return async (read) => {
    const { event } = read;
    const isCanary = event.type === CANARY_TYPE;
    const begunMs = performance.now();
    const confirmed = publisher.publish(EVENTS_EXCHANGE, event.type, Buffer.from(textOfEvent(read)), {
      contentType: STRUCTURED_TYPE,
      headers: { [PUBLISHED_AT_HEADER]: now() },
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
