/** The queue: RabbitMQ, or a queue within this process in embedded mode, and the handler behind it. */
import type { Backends } from '../config.ts';
import { audienceKind } from '../contract/audience.ts';
import { type ReadEvent, STRUCTURED_TYPE } from '../contract/cloudevent.ts';
import { createDeliver } from '../deliver.ts';
import type { Lanes } from '../inbox/lanes.ts';
import { Consumer, type ConsumerOptions } from '../ingest/consumer.ts';
import { EmbeddedQueue } from '../ingest/embedded-queue.ts';
import { Publisher } from '../ingest/publisher.ts';
import type { Settlement } from '../ingest/settlement.ts';
import { EVENTS_EXCHANGE } from '../ingest/topology.ts';
import { type Probe, whether } from '../ops/health.ts';
import { createSampler } from '../ops/log.ts';
import type { Context } from './context.ts';

/** Where events wait until they are settled. */
export interface Queue {
  publish(read: ReadEvent): Promise<void>;
  readonly probes: Readonly<Record<string, Probe>>;
  /** Takes nothing new, and resolves when what is in hand is settled. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export async function openQueue(context: Context, lanes: Lanes): Promise<Queue> {
  const { config, log, metrics, routes } = context;
  const isSampled = createSampler(config.LOG_SAMPLE_RATE);
  const handle = createDeliver({
    lanes,
    routes,
    maxAudiences: config.EVENT_MAX_AUDIENCES,
    isSampled,
    onAppended: (event, audience, { epoch, offset, repeat, gateways }) => {
      metrics.appended(audienceKind(audience), repeat);
      if (isSampled(event)) log.info({ event, audience, epoch, offset, repeat, gateways }, 'appended');
    },
  });
  const onSettled = (settlement: Settlement) => {
    if (settlement.kind === 'dead-letter') metrics.deadLettered(settlement.refusal.code);
    else metrics.settled(settlement.kind);
  };
  if (config.backends === undefined) {
    const queue = new EmbeddedQueue(handle, (event, settlement) => {
      onSettled(settlement);
      if (settlement.kind === 'dead-letter')
        log.warn({ type: event.type, ...settlement.refusal }, 'event dropped');
    });
    return {
      publish: ({ event }) => queue.publish(event),
      probes: {},
      drain: () => queue.drain(),
      close: async () => {},
    };
  }
  return openRabbitMq(context, config.backends, { handle, onSettled });
}

async function openRabbitMq(
  { config, log, onFatal }: Context,
  { amqpUrl }: Backends,
  { handle, onSettled }: Pick<ConsumerOptions, 'handle' | 'onSettled'>,
): Promise<Queue> {
  const publisher = new Publisher(log, onFatal);
  await publisher.open(amqpUrl);
  const consumer = config.ROLES.includes('consumer')
    ? new Consumer({
        prefetch: config.PREFETCH,
        maxBytes: config.EVENT_MAX_BYTES,
        handle,
        publisher,
        log,
        onClash: onFatal,
        onSettled,
      })
    : undefined;
  await consumer?.open(amqpUrl);
  return {
    publish: ({ event, envelope }) =>
      publisher.publish(EVENTS_EXCHANGE, event.type, Buffer.from(JSON.stringify(envelope)), {
        contentType: STRUCTURED_TYPE,
      }),
    probes: {
      rabbitmq: () => whether(publisher.state === 'up', publisher.state),
      ...(consumer === undefined ? {} : { consumer: () => whether(consumer.state === 'up', consumer.state) }),
    },
    drain: async () => consumer?.drain(),
    close: async () => {
      await consumer?.close();
      await publisher.close();
    },
  };
}
