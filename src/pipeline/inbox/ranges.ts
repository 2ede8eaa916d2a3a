/** Sets of offsets as ranges: what a user has seen, read or archived is mostly "everything up to", with exceptions. */

/** `[first, last]`, both included. */
export type Range = readonly [number, number];

/** Sorted, apart by at least one. Immutable. */
export type Ranges = readonly Range[];

export const NO_RANGES: Ranges = [];

/** `1-17,19` */
export function formatRanges(ranges: Ranges): string {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/** The reverse of {@link formatRanges}; what is not a range is passed over. */
export function parseRanges(text: string): Ranges {
  const parts = text.split(',').flatMap((part): Range[] => {
    const [first, last = first] = part.split('-').map(Number);
    return first !== undefined && last !== undefined && first > 0 && last >= first ? [[first, last]] : [];
  });
  return union(NO_RANGES, parts);
}

export function contains(ranges: Ranges, offset: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first = 0, last = 0] = ranges[middle] ?? [];
    if (offset < first) high = middle - 1;
    else if (offset > last) low = middle + 1;
    else return true;
  }
  return false;
}

export function union(a: Ranges, b: Ranges): Ranges {
  const merged: [number, number][] = [];
  for (const [first, last] of [...a, ...b].toSorted((one, other) => one[0] - other[0])) {
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

/** What is in `a` and not in `b`. */
export function difference(a: Ranges, b: Ranges): Ranges {
  const rest: Range[] = [];
  let at = 0;
  for (const [first, last] of a) {
    let from = first;
    while (at < b.length && (b[at]?.[1] ?? 0) < from) at += 1;
    for (let i = at; i < b.length && (b[i]?.[0] ?? 0) <= last; i += 1) {
      const [gapEnd = 0, nextStart = 0] = [b[i]?.[0], (b[i]?.[1] ?? 0) + 1];
      if (gapEnd > from) rest.push([from, gapEnd - 1]);
      from = Math.max(from, nextStart);
    }
    if (from <= last) rest.push([from, last]);
  }
  return rest;
}

/** What is in `a` and also in `b`. */
export function intersection(a: Ranges, b: Ranges): Ranges {
  return difference(a, difference(a, b));
}
