/** A user's marks as others look at them: what was done with the notification at a place. */
import type { Ahead, Flags, MarksView } from '../../contract/inbox.ts';
import type { LogMarks } from './marks.ts';
import { contains, difference, type Range, type Ranges } from './ranges.ts';
import type { UserLog } from './view.ts';

const NOTHING: Flags = Object.freeze({ seen: false, read: false, archived: false });

export function flagsAt({ seen, read, archived }: LogMarks, offset: number): Flags {
  return { seen: contains(seen, offset), read: contains(read, offset), archived: contains(archived, offset) };
}

export function marksViewOf(version: number, logs: readonly UserLog[]): MarksView {
  return {
    version,
    flagsOf: (audience, offset) => {
      const log = logs.find((one) => one.audience === audience);
      return log === undefined ? NOTHING : flagsAt(log.marks, offset);
    },
  };
}

/**
 * What is marked behind the heads of the logs. A user's marks may be quicker than what they are of: another node has
 * passed that on already, and this one will without marks.
 */
export function aheadOf(logs: readonly UserLog[]): Ahead | undefined {
  // Whatever is read or archived has been seen.
  if (!logs.some(({ head, marks }) => isBehind(marks.seen, head.offset))) return undefined;
  const entries = logs.flatMap(({ audience, head, marks }) => {
    const [seen, read, archived] = [marks.seen, marks.read, marks.archived].map((ranges) =>
      behind(ranges, head.offset),
    );
    return seen === undefined ? [] : [[audience, { seen, read, archived }] as const];
  });
  return Object.fromEntries(entries);
}

/** Whether some of it is behind the offset. */
function isBehind(ranges: Ranges, offset: number): boolean {
  return (ranges.at(-1)?.[1] ?? 0) > offset;
}

function behind(ranges: Ranges, offset: number): [number, number][] | undefined {
  if (!isBehind(ranges, offset)) return undefined;
  return difference(ranges, [[1, offset]]).map(([first, end]: Range) => [first, end]);
}
