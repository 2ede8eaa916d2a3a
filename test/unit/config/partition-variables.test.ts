/** The variables about partitions allow as many as RabbitMQ is looked through for. */
import { expect, test } from 'vitest';
import { MAX_PARTITIONS } from '../../../src/adapters/rabbitmq/names.ts';
import { partitionVariables } from '../../../src/config/partition-variables.ts';

test('PARTITIONS may be as large as there may be queues, and no larger', () => {
  const isTaken = (count: number) => partitionVariables.PARTITIONS.safeParse(String(count)).success;
  expect([isTaken(MAX_PARTITIONS), isTaken(MAX_PARTITIONS + 1)]).toEqual([true, false]);
});
