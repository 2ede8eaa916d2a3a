/** What can be known here of RabbitMQ's queues: how much waits in each, and which this process takes from. */
import type { ChannelModel } from 'amqplib';
import {
  CONSUMERS_QUEUE,
  DEAD_LETTERS,
  DELIVER_QUEUE,
  type Partitioning,
  partitionQueues,
  UNREACHED_DELAY_QUEUE,
  UNREACHED_QUEUE,
} from '../adapters/rabbitmq/names.ts';
import { QueueDepths } from '../adapters/rabbitmq/queue-depths.ts';
import type { QueueFacts } from '../observe/queues-report.ts';
import type { Consumer } from '../pipeline/ingest/rabbitmq-consumer.ts';
import type { Source } from '../pipeline/sources/source.ts';
import { BrokerUnavailable } from '../resilience/unavailable.ts';
import type { QueuesLook } from './queue.ts';

interface QueuesLookParts {
  readonly model: () => ChannelModel | undefined;
  readonly partitioning: Partitioning;
  /** Of events and dead letters, which metrics read too. */
  readonly depths: QueueDepths;
  /** As they stand now. */
  readonly sources: () => readonly Source[];
  readonly consumer: Consumer | undefined;
}

type Named = Pick<QueueFacts, 'queue' | 'kind' | 'partition'>;

/** However many ask, RabbitMQ is asked once every two seconds, and only about queues. */
export function openQueuesLook(parts: QueuesLookParts): () => Promise<QueuesLook> {
  const { model, partitioning, depths, sources, consumer } = parts;
  const own = ownQueues(partitioning);
  const named = (): readonly Named[] => [...own, ...queuesOfSources(sources())];
  // Those that metrics do not read are asked about apart: one that does not answer must not silence them.
  const isMain = ({ kind }: Named) => kind === 'events' || kind === 'partition' || kind === 'dead_letters';
  const others = new QueueDepths(model, () =>
    named()
      .filter((one) => !isMain(one))
      .map(({ queue }) => queue),
  );
  return async () => {
    const [main, rest] = await Promise.all([depths.look(), others.look()]);
    const answered = [...main.of.values()].some((counts) => counts !== 'not_answered');
    if (!answered) throw new BrokerUnavailable('RabbitMQ answers about no queue');
    const taken = new Set(
      [...(consumer?.queues ?? []), ...(consumer?.sources?.queues ?? [])]
        .filter(({ isActive }) => isActive)
        .map(({ queue }) => queue),
    );
    return {
      countedAtMs: main.atMs,
      doCanariesOvertake: hasPriorities(model()),
      queues: named().map((one) => ({
        ...one,
        counts: (isMain(one) ? main : rest).of.get(one.queue) ?? 'not_answered',
        isTakenHere: taken.has(one.queue),
      })),
    };
  };
}

function ownQueues({ count }: Partitioning): readonly Named[] {
  const events: readonly Named[] =
    count === 1
      ? [{ queue: DELIVER_QUEUE, kind: 'events' }]
      : partitionQueues(count).map((queue, partition) => ({ queue, kind: 'partition', partition }));
  return [
    ...events,
    { queue: DEAD_LETTERS, kind: 'dead_letters' },
    { queue: UNREACHED_QUEUE, kind: 'unreached' },
    { queue: UNREACHED_DELAY_QUEUE, kind: 'unreached_delay' },
    ...(count === 1 ? [] : [{ queue: CONSUMERS_QUEUE, kind: 'consumers' } as const]),
  ];
}

/** Each once: a queue may stand in the file several times. */
function queuesOfSources(sources: readonly Source[]): readonly Named[] {
  const queues = new Set(sources.flatMap((source) => ('queue' in source ? [source.queue] : [])));
  return [...queues].map((queue) => ({ queue, kind: 'source' }));
}

/** Since version 4, quorum queues deliver messages with a high priority first. */
function hasPriorities(model: ChannelModel | undefined): boolean {
  return model !== undefined && Number.parseInt(model.connection.serverProperties.version, 10) >= 4;
}
