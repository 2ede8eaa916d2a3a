/** What bench:versions asks of the process that measures, and what that answers. */
import { z } from 'zod';
import { setupSchema, toUsersSchema } from '../compare/job.ts';

export const orderSchema = z.object({
  setups: z.array(setupSchema),
  plan: toUsersSchema,
  /** Each version is given its events in so many portions, in turns with the others. */
  portions: z.int().positive(),
});

export type Order = z.infer<typeof orderSchema>;

/** Of each version: CPU of its process, in microseconds an event. */
export const microsSchema = z.array(z.number().nonnegative());
