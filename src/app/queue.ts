/** The queue: RabbitMQ, or a queue within this process in embedded mode, and the handler behind it. */
import type { ConsumeMessage } from 'amqplib';
import type { Publisher } from '../adapters/rabbitmq/publisher.ts';
import { QueueDepths } from '../adapters/rabbitmq/queue-depths.ts';
import { DEAD_LETTERS, DELIVER_QUEUE, EVENTS_EXCHANGE } from '../adapters/rabbitmq/topology.ts';
import { TopologyWatch } from '../adapters/rabbitmq/topology-watch.ts';
import type { Backends } from '../config/config.ts';
import { audienceKind } from '../contract/audience.ts';
import { type ReadEvent, readStructured, STRUCTURED_TYPE, textOfEvent } from '../contract/cloudevent.ts';
import { CANARY_TYPE } from '../contract/event.ts';
import { type Probe, whether } from '../observe/health.ts';
import { createSampler } from '../observe/log.ts';
import type { DeadLetterStore } from '../operate/dead-letters/dead-letter-store.ts';
import { deadLetterOf, MemoryDeadLetterStore } from '../operate/dead-letters/memory-dead-letter-store.ts';
import { RabbitMqDeadLetterStore } from '../operate/dead-letters/rabbitmq-dead-letter-store.ts';
import { factsOf, namesOf } from '../operate/dead-letters/stored-dead-letter.ts';
import { createDeliver } from '../pipeline/deliver.ts';
import { withCanaries } from '../pipeline/deliver-canary.ts';
import type { AppendQueue } from '../pipeline/inbox/append-queue.ts';
import { EmbeddedQueue } from '../pipeline/ingest/embedded-queue.ts';
import { PUBLISHED_AT_HEADER } from '../pipeline/ingest/published-at.ts';
import { Consumer, type ConsumerOptions } from '../pipeline/ingest/rabbitmq-consumer.ts';
import type { Handle, Settlement } from '../pipeline/ingest/settlement.ts';
import type { ActivityRecorder } from './activity-recorder.ts';
import type { Context } from './context.ts';
import { openUnreached, type Unreached } from './signals.ts';
import type { Store } from './store.ts';

/** Where events wait until they are settled. */
export interface Queue {
  publish(read: ReadEvent): Promise<void>;
  readonly probes: Readonly<Record<string, Probe>>;
  /** What waits for a consumer, and how many there are; undefined when RabbitMQ does not say. */
  waiting(): Promise<{ readonly events: number; readonly consumers: number } | undefined>;
  /** How many dead letters lie there; undefined when RabbitMQ does not say. */
  dead(): Promise<number | undefined>;
  /** The dead ones. */
  readonly deadLetterStore: DeadLetterStore;
  /** Takes nothing new, and resolves when what is in hand is settled. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** `publisher` undefined: embedded mode. It is opened and closed here. */
export async function openQueue(
  context: Context,
  appendQueue: AppendQueue,
  store: Store,
  publisher: Publisher | undefined,
  stages: ActivityRecorder | undefined,
): Promise<Queue> {
  const { config, log, metrics, routes, tracing } = context;
  const isSampled = createSampler(config.LOG_SAMPLE_RATE);
  const { now } = store;
  const unreached = openUnreached(context, store, publisher);
  const deliver = createDeliver({
    appendQueue,
    routes,
    maxAudiences: config.EVENT_MAX_AUDIENCES,
    isSampled,
    outcomes: store.outcomes,
    now,
    ...(unreached === undefined ? {} : { schedule: unreached.schedule }),
    onMapped: stages?.mapped,
    startTrace: tracing === undefined ? undefined : (event) => tracing.begin(event),
    onAppended: (event, audience, appended, { sampled, tookMs }) => {
      const { epoch, offset, repeat, gateways } = appended;
      stages?.appended(event, audience, appended);
      metrics.appended(audienceKind(audience), repeat, tookMs);
      if (sampled) log.info({ event, audience, epoch, offset, repeat, gateways }, 'appended');
    },
  });
  const handle = withCanaries(
    appendQueue,
    now,
    stages === undefined ? deliver : afterReceived(stages, deliver),
  );
  const onSettled = (settlement: Settlement, tookMs?: number) => {
    if (settlement.kind === 'ack' && settlement.isCanary) return;
    if (tookMs !== undefined) metrics.processed(tookMs);
    if (settlement.kind === 'dead-letter') metrics.deadLettered(settlement.refusal.code);
    else metrics.settled(settlement.kind);
  };
  if (config.backends === undefined || publisher === undefined) {
    const queue = new EmbeddedQueue(
      handle,
      (event, settlement) => {
        onSettled(settlement);
        if (settlement.kind !== 'dead-letter') return;
        const { code, message: detail, path } = settlement.refusal;
        stages?.dead(() => event, settlement.refusal);
        deadLetterStore.add(event, settlement.refusal);
        log.warn({ code, detail, path, ...namesOf(deadLetterOf(event)) }, 'event becomes a dead letter');
      },
      (event, fault) =>
        log.error({ ...fault, ...namesOf(deadLetterOf(event)) }, 'the service failed on an event'),
    );
    const deadLetterStore = new MemoryDeadLetterStore(async ({ content }) => {
      const read = readStructured(content);
      if (read.ok) await queue.publish(read.value.event);
    });
    return {
      deadLetterStore,
      waiting: async () => ({ events: 0, consumers: 1 }),
      dead: async () => deadLetterStore.size,
      publish: ({ event }) => queue.publish(event),
      probes: {},
      drain: async () => {
        unreached?.stop();
        await Promise.all([queue.drain(), unreached?.drain()]);
      },
      close: async () => {},
    };
  }
  return openRabbitMq(context, config.backends, {
    handle,
    onSettled: (settlement, tookMs, message, event) => {
      onSettled(settlement, tookMs);
      if (event === undefined) stages?.received(() => eventIn(message));
      if (settlement.kind === 'dead-letter')
        stages?.dead(() => event ?? eventIn(message), settlement.refusal);
    },
    isStoreUp: () => store.isReachable(),
    publisher,
    unreached,
    now,
  });
}

function afterReceived(stages: ActivityRecorder, deliver: Handle): Handle {
  return (event, publishedAtMs) => {
    stages.received(() => event);
    return deliver(event, publishedAtMs);
  };
}

/** What a message that is no event says of itself. */
function eventIn(message: ConsumeMessage) {
  const { source = '', event: id = '', type } = factsOf(message);
  return { source, id, type };
}

/**
 * From version 4 on a quorum queue lets high priorities pass, so that a backlog that is worked off does not make every
 * gateway seem dead. Older ones take no notice.
 */
const CANARY_PROPERTIES = { priority: 9 };

interface RabbitMqParts extends Pick<ConsumerOptions, 'handle' | 'onSettled' | 'isStoreUp' | 'now'> {
  readonly publisher: Publisher;
  readonly unreached: Unreached | undefined;
}

/** Only once its topology was declared: before, all of it may be missing. */
function connectedModel({ state, model }: Pick<Consumer | Publisher, 'state' | 'model'>) {
  return state === 'connecting' || state === 'down' || state === 'clash' ? undefined : model;
}

async function openRabbitMq(
  { config, log, metrics, onFatal }: Context,
  { amqpUrl }: Backends,
  { handle, onSettled, isStoreUp, publisher, unreached, now }: RabbitMqParts,
): Promise<Queue> {
  await publisher.open(amqpUrl);
  const consumer = config.ROLES.includes('consumer')
    ? new Consumer({
        prefetch: config.PREFETCH,
        maxBytes: config.EVENT_MAX_BYTES,
        handle,
        publisher,
        now,
        isStoreUp,
        log,
        onClash: onFatal,
        onSettled,
      })
    : undefined;
  await consumer?.open(amqpUrl);
  await unreached?.open(amqpUrl);
  // RabbitMQ may block the publisher's connection, and then answers nothing on it.
  const depths = new QueueDepths(() => consumer?.model ?? publisher.model);
  const topology = new TopologyWatch({ model: () => connectedModel(consumer ?? publisher), log });
  publisher.onUnroutable(() => topology.unroutable());
  topology.start();
  metrics.watch({
    queues: () => depths.read(),
    ...(consumer === undefined ? {} : { consumer: () => consumer }),
  });
  return {
    deadLetterStore: new RabbitMqDeadLetterStore(amqpUrl, publisher),
    waiting: async () => {
      const deliver = (await depths.read()).find(({ queue }) => queue === DELIVER_QUEUE);
      return deliver === undefined ? undefined : { events: deliver.messages, consumers: deliver.consumers };
    },
    dead: async () => (await depths.read()).find(({ queue }) => queue === DEAD_LETTERS)?.messages,
    publish: async (read) => {
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
    },
    probes: {
      rabbitmq: () => whether(publisher.trouble === undefined, publisher.trouble ?? ''),
      topology: () => topology.health,
      ...(consumer === undefined
        ? {}
        : { consumer: () => whether(consumer.state === 'up', consumer.reason) }),
    },
    drain: async () => {
      unreached?.stop();
      await Promise.all([consumer?.drain(), unreached?.drain()]);
    },
    close: async () => {
      topology.stop();
      await Promise.all([consumer?.close(), unreached?.close()]);
      await publisher.close();
    },
  };
}
