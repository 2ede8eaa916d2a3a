/** A batch: what one process saw within a tick. Processes exchange batches over Redis. */
import { z } from 'zod';
import { MAX_SAMPLES, type StageCounts, stageCountsSchema, stageSchema } from '../../contract/console.ts';

export const batchSchema = z.object({
  node: z.string(),
  /** Sockets that are connected to this process. */
  connections: z.int().nonnegative(),
  counts: stageCountsSchema,
  /** Pairs of milliseconds and a count. */
  latencies: z.array(z.tuple([z.number(), z.number()])),
  samples: z.array(stageSchema).max(MAX_SAMPLES),
  dropped: z.int().nonnegative(),
});

export type Batch = Readonly<z.infer<typeof batchSchema>>;

export const NO_COUNTS: StageCounts = Object.freeze({
  received: 0,
  mapped: 0,
  appended: 0,
  delivered: 0,
  recovered: 0,
  dead: 0,
});

export function addCounts(a: StageCounts, b: StageCounts): StageCounts {
  return {
    received: a.received + b.received,
    mapped: a.mapped + b.mapped,
    appended: a.appended + b.appended,
    delivered: a.delivered + b.delivered,
    recovered: a.recovered + b.recovered,
    dead: a.dead + b.dead,
  };
}
