/** What a measurement found: one line of the table each, with the target that it is held to. */
import { z } from 'zod';

const factSchema = z.object({
  what: z.string(),
  measured: z.string(),
  /** Absent for what is only told. */
  target: z.object({ text: z.string(), met: z.boolean() }).optional(),
});

export const factsSchema = z.array(factSchema);

export type Fact = z.infer<typeof factSchema>;

/** Hands the facts of this process to the one that started it, and ends the process. */
export function report(facts: readonly Fact[]): void {
  process.send?.(facts, () => process.exit(0));
}

export function atMost(limit: number, unit: string, measured: number): Fact['target'] {
  return { text: `≤ ${decimal(limit)} ${unit}`.trimEnd(), met: measured <= limit };
}

/** `1,234.5`; as many digits behind the point as make sense for the size. */
export function decimal(value: number): string {
  const maximumFractionDigits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits });
}

/** The lower and the upper one. */
export function quartiles(values: readonly number[]): readonly [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
  return [at(0.25), at(0.75)];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = sorted.slice(middle - 1, middle + 1);
  return sorted.length % 2 === 0 ? (low + high) / 2 : (sorted[middle] ?? Number.NaN);
}
