/** What the health endpoints answer. */
import { z } from 'zod';

const partSchema = z.object({
  ok: z.boolean(),
  reason: z.string().optional().describe('Why the part does not work, or what it waits for meanwhile.'),
});

export const healthSchema = z
  .object({
    status: z.enum(['alive', 'starting', 'ready', 'not_ready', 'draining']),
    parts: z.record(z.string(), partSchema).optional().describe('Each thing that delivery depends on.'),
  })
  .meta({ id: 'Health' });

export type PartHealth = z.infer<typeof partSchema>;
export type HealthReport = z.infer<typeof healthSchema>;

/** The three questions that an orchestrator asks. */
export interface Health {
  /** Whether the process should be left running. */
  live(): HealthReport;
  /** Whether everything has worked at least once since the start. */
  startup(): HealthReport;
  /** Whether events get through now. */
  ready(): HealthReport;
}
