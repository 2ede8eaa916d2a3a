/** The order that bench:versions gives to the measuring process, and the answer. */
import { z } from 'zod';
import { setupSchema, toUsersSchema } from '../compare/job.ts';

export const orderSchema = z.object({
  setups: z.array(setupSchema),
  plan: toUsersSchema,
  /** Each version gets its events in this many portions, in turns with the others. */
  portions: z.int().positive(),
});

export type Order = z.infer<typeof orderSchema>;

/** CPU of each version's process, in microseconds per event. */
export const microsSchema = z.array(z.number().nonnegative());
