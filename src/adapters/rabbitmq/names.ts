/** What Carillon's exchanges and queues are called in RabbitMQ. */

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

/** The variables allow no more; a test keeps the two alike. */
export const MAX_PARTITIONS = 64;

/** What the exchange hashes: a header that producers set, or the routing key. */
type PartitionBy = 'key' | 'routing-key';

export interface Partitioning {
  /** 1: no partitions. */
  readonly count: number;
  readonly by: PartitionBy;
}

/** As the variables say it. */
export function partitioningOf({
  PARTITIONS,
  PARTITION_BY,
}: {
  readonly PARTITIONS: number;
  readonly PARTITION_BY: PartitionBy;
}): Partitioning {
  return { count: PARTITIONS, by: PARTITION_BY };
}

export const ONE_QUEUE: Partitioning = { count: 1, by: 'key' };

export const KEY_HEADER = 'carillon-key';

export const PARTITIONS_EXCHANGE = 'carillon.partitions';
/**
 * Leads to one queue by its name: canaries of a partition, and the question who is first in a line. Exists when there are
 * partitions, or somebody wants some.
 */
export const DIRECT_EXCHANGE = 'carillon.partitions.direct';
/** Exists while the one queue is emptied and events go to partitions already. */
export const SPREADING_EXCHANGE = 'carillon.partitions.spreading';
/** Exists while partitions are emptied and events go to the one queue already. */
export const GATHERING_EXCHANGE = 'carillon.partitions.gathering';
/** Consumers subscribe to it only to be counted. */
export const CONSUMERS_QUEUE = 'carillon.partitions.consumers';

/** Its presence tells that partitions are complete, and how many there are. */
export function markerOf({ count, by }: Partitioning): string {
  return `${PARTITIONS_EXCHANGE}.${count}.${by}`;
}

export function partitionQueue(partition: number): string {
  return `${DELIVER_QUEUE}.${partition}`;
}

export function partitionQueues(count: number): readonly string[] {
  return Array.from({ length: count }, (_, partition) => partitionQueue(partition));
}

/** The queues that events wait in. */
export function queuesOfEvents({ count }: Partitioning): readonly string[] {
  return count === 1 ? [DELIVER_QUEUE] : partitionQueues(count);
}

/** The exchanges that exist as long as there are these partitions. */
export function exchangesOfPartitions(partitioning: Partitioning): readonly string[] {
  return partitioning.count === 1 ? [] : [PARTITIONS_EXCHANGE, DIRECT_EXCHANGE, markerOf(partitioning)];
}

/** The routing key at {@link DIRECT_EXCHANGE} of the canaries of a partition. */
export function canaryKeyOf(queue: string): string {
  return `${queue}.canary`;
}

/** Whether events for the consumer wait in a queue of this name. */
export function isDeliverQueue(name: unknown): boolean {
  return typeof name === 'string' && /^carillon\.deliver(\.\d+)?$/.test(name);
}
