/** What requests cost, in units: a limit of requests alone would let one user read all day. */

/** Counts what an answer costs while it is made, in units: see docs/limits.md. */
export interface Meter {
  spend(units: number): void;
}

/** What a request costs before anything is read for it. */
export const REQUEST_COST = 10;

/** What it costs to begin again because somebody else has changed the same marks. */
export const CONFLICT_COST = 100;

const BYTES_PER_UNIT = 1_024;

/** Of entries that were read from a log: one each, and one for each KB. */
export function costOfRead(entries: readonly { readonly json: string }[]): number {
  return entries.reduce((cost, { json }) => cost + 1 + json.length / BYTES_PER_UNIT, 0);
}
