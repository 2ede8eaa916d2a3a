/** The variables about partitions: how many queues events are spread over, and by what. */
import { z } from 'zod';
import { integer, unsetWhenEmpty } from './kinds.ts';

/** Each is a queue that every consumer subscribes to. */
const MAX_PARTITIONS = 64;

export const partitionVariables = {
  PARTITIONS: integer(1, 1, MAX_PARTITIONS).describe(
    'Queues over which events are spread by their key, each with one active consumer; 1: the one queue.',
  ),
  PARTITION_BY: z
    .preprocess(unsetWhenEmpty, z.enum(['key', 'routing-key'], 'must be key or routing-key').default('key'))
    .describe('What spreads events: `key`, their header `carillon-key`, or `routing-key`.'),
};
