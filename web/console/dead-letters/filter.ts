/** Which dead letters are looked at: as the address of the page says it, and as `/admin/dead-letters` takes it. */
import type { Params } from '../place.ts';

const FIELDS = ['reason', 'type', 'source', 'after', 'before'] as const;

export type FilterField = (typeof FIELDS)[number];
export type Filter = Readonly<Record<FilterField, string>>;

export function filterOf(params: Params): Filter {
  const { reason = '', type = '', source = '', after = '', before = '' } = params;
  return { reason, type, source, after, before };
}

/** Only what is filled in. */
export function given(filter: Filter): Params {
  return Object.fromEntries(
    FIELDS.flatMap((field) => (filter[field] === '' ? [] : [[field, filter[field]]])),
  );
}

export function isSame(one: Filter, other: Filter): boolean {
  return FIELDS.every((field) => one[field] === other[field]);
}
