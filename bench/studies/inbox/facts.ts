/** What a program of this study has measured: each fact is a line of the table, with its target. */
import { z } from 'zod';
import { decimal } from '../../support/figures.ts';

const factSchema = z.object({
  what: z.string(),
  measured: z.string().regex(/\d/, 'there is no figure in it'),
  /** Absent when the fact has no limit. */
  target: z.object({ text: z.string(), met: z.boolean() }).optional(),
});

export const factsSchema = z.array(factSchema).min(1);

export type Fact = z.infer<typeof factSchema>;

/** Sends this process's facts to its parent, and ends the process. */
export function report(facts: readonly Fact[]): void {
  process.send?.(facts, () => process.exit(0));
}

export function atMost(limit: number, unit: string, measured: number): Fact['target'] {
  return { text: `≤ ${decimal(limit)} ${unit}`.trimEnd(), met: measured <= limit };
}
