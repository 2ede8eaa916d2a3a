/** What became of each dead letter of an order to send again, as far as the answer tells it. */
import type { Redriven } from './dead-letter.ts';

export type Fate =
  /** Its event was sent again, or would be. */
  | { readonly status: 'sent' }
  /** It stays, because the event would be refused again. */
  | { readonly status: 'refused'; readonly code: string }
  /** The answer counts it and does not name it. */
  | { readonly status: 'not told' };

/** The answer names at most 100 ids of each code, and none of those that were left. */
export function fatesOf(ids: readonly string[], { refused, left }: Redriven): ReadonlyMap<string, Fate> {
  const codes = new Map(refused.flatMap(({ code, ids }) => ids.map((id) => [id, code] as const)));
  const isTold = left === 0 && refused.every(({ count, ids }) => count <= ids.length);
  const other: Fate = { status: isTold ? 'sent' : 'not told' };
  return new Map(
    ids.map((id) => {
      const code = codes.get(id);
      return [id, code === undefined ? other : { status: 'refused', code }];
    }),
  );
}
