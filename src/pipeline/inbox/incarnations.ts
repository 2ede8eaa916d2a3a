/**
 * The incarnations of a log: which epoch began at which offset. A place of an earlier epoch is still the same place
 * when it lies before the offset at which the next epoch began; behind that, writes were lost and offsets came
 * again. (Kafka's replicas find where they part by the same record, their leader epochs.)
 */
import type { Cursor } from '../../contract/notification.ts';

/** Newest first, as append.lua keeps it: `b:16,a:1`. The oldest may be cut off. */
export interface Incarnation {
  readonly epoch: string;
  readonly firstOffset: number;
}

export function parseIncarnations(text: string): Incarnation[] {
  return text.split(',').flatMap((part) => {
    const [epoch = '', firstOffset] = part.split(':');
    return firstOffset === undefined || firstOffset === ''
      ? []
      : [{ epoch, firstOffset: Number(firstOffset) }];
  });
}

/** Whether the log as it is now holds, up to this place, what it held when the place was given out. */
export function holdsPlace(incarnations: readonly Incarnation[], place: Cursor): boolean {
  return place.offset === 0 || lastKept(incarnations, place) === place.offset;
}

/**
 * Up to where, at most to the place itself, the log still holds what it held when the place was given out. Any later
 * epoch may have begun furthest back: a log whose counter and entries were removed begins at 1 again.
 */
export function lastKept(incarnations: readonly Incarnation[], { epoch, offset }: Cursor): number {
  const at = incarnations.findIndex((known) => known.epoch === epoch);
  if (at === -1) return 0;
  const later = incarnations.slice(0, at);
  return Math.min(offset, ...later.map(({ firstOffset }) => firstOffset - 1));
}

/** Whether who is at `cursor` is not before `place`. An epoch that is not known any more is older than all. */
export function reaches(cursor: Cursor, place: Cursor, incarnations: readonly Incarnation[]): boolean {
  if (cursor.epoch === place.epoch) return cursor.offset >= place.offset;
  const ageOf = ({ epoch }: Cursor) => {
    const at = incarnations.findIndex((known) => known.epoch === epoch);
    return at === -1 ? Number.POSITIVE_INFINITY : at;
  };
  return ageOf(cursor) < ageOf(place);
}

/** Whether an entry that stands there was written by this log, as far back as that is known: it may be of another's. */
export function hasWritten(incarnations: readonly Incarnation[], { epoch, offset }: Cursor): boolean {
  const writer = incarnations.find(({ firstOffset }) => firstOffset <= offset);
  return writer === undefined || writer.epoch === epoch;
}
