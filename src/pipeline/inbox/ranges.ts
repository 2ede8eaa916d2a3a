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
  if (text === '') return NO_RANGES;
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

export function isSame(a: Ranges, b: Ranges): boolean {
  return a.length === b.length && a.every(([first, last], i) => first === b[i]?.[0] && last === b[i]?.[1]);
}

/** Whether everything from `first` to `last` is in one of the ranges. */
export function covers(ranges: Ranges, first: number, last: number): boolean {
  return ranges.some(([from, to]) => from <= first && to >= last);
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

/** Cuts off the highest `count` offsets; `top` has its newest range first. */
export function newestOf(
  ranges: Ranges,
  count: number,
): { readonly top: readonly Range[]; readonly rest: Ranges } {
  const rest = [...ranges];
  const top: Range[] = [];
  let wanted = count;
  while (wanted > 0) {
    const range = rest.pop();
    if (range === undefined) break;
    const [first, last] = range;
    const from = Math.max(first, last - wanted + 1);
    top.push([from, last]);
    wanted -= last - from + 1;
    if (from > first) rest.push([first, from - 1]);
  }
  return { top, rest };
}
