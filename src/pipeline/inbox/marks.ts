/** A user's marks over one audience's log: pure values, and what each mark does to them. */
import type { MarkRequest } from '../../contract/inbox.ts';
import type { Incarnation } from './incarnations.ts';
import {
  difference,
  formatRanges,
  intersection,
  NO_RANGES,
  parseRanges,
  type Ranges,
  union,
} from './ranges.ts';

export interface LogMarks {
  /** The incarnation of the log that the offsets are of. */
  readonly epoch: string;
  /** Entries up to here came before the user belonged to the audience. */
  readonly since: number;
  readonly seen: Ranges;
  readonly read: Ranges;
  readonly archived: Ranges;
}

export const NO_MARKS: LogMarks = Object.freeze({
  epoch: '0',
  since: 0,
  seen: NO_RANGES,
  read: NO_RANGES,
  archived: NO_RANGES,
});

/** What is read has been seen, and what is archived has been read; so what is unread is not archived any more. */
export function applyMark(marks: LogMarks, as: MarkRequest['as'], offsets: Ranges): LogMarks {
  const seen = union(marks.seen, offsets);
  const read = union(marks.read, offsets);
  switch (as) {
    case 'seen':
      return { ...marks, seen };
    case 'read':
      return { ...marks, seen, read };
    case 'archived':
      return { ...marks, seen, read, archived: union(marks.archived, offsets) };
    case 'unread':
      return {
        ...marks,
        read: difference(marks.read, offsets),
        archived: difference(marks.archived, offsets),
      };
  }
}

/** Marks of entries that the log does not hold any more go with them. */
export function trimmed(marks: LogMarks, firstKept: number): LogMarks {
  if (firstKept <= 1) return marks;
  const gone: Ranges = [[1, firstKept - 1]];
  const rest = (ranges: Ranges) => difference(ranges, gone);
  return { ...marks, seen: rest(marks.seen), read: rest(marks.read), archived: rest(marks.archived) };
}

/**
 * Marks as they apply to the log's present incarnation: what was marked at offsets that were lost and given out
 * again is not marked.
 */
export function rebased(marks: LogMarks, epoch: string, incarnations: readonly Incarnation[]): LogMarks {
  if (marks.epoch === epoch) return marks;
  const at = incarnations.findIndex((known) => known.epoch === marks.epoch);
  const firstLost = at === -1 ? 1 : (incarnations[at - 1]?.firstOffset ?? Number.POSITIVE_INFINITY);
  const kept: Ranges = firstLost > 1 ? [[1, firstLost - 1]] : NO_RANGES;
  const rest = (ranges: Ranges) => intersection(ranges, kept);
  return {
    epoch,
    // Whatever the present epoch wrote is newer than these marks.
    since: Math.min(marks.since, at === -1 ? (incarnations[0]?.firstOffset ?? 1) - 1 : firstLost - 1),
    seen: rest(marks.seen),
    read: rest(marks.read),
    archived: rest(marks.archived),
  };
}

/** `<epoch>;<since>;;<seen>;<read>;<archived>`: what nobody needs any more had the empty place. */
export function formatMarks({ epoch, since, seen, read, archived }: LogMarks): string {
  return [epoch, since, '', ...[seen, read, archived].map(formatRanges)].join(';');
}

export function parseMarks(text: string): LogMarks {
  const [epoch = NO_MARKS.epoch, since, , seen = '', read = '', archived = ''] = text.split(';');
  return {
    epoch,
    since: Number(since) || 0,
    seen: parseRanges(seen),
    read: parseRanges(read),
    archived: parseRanges(archived),
  };
}
