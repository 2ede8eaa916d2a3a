/** A user's marks as others look at them: what was done with the notification at a place. */
import type { Audience } from '../../contract/audience.ts';
import type { Ahead, Flags, MarksView } from '../../contract/inbox.ts';
import type { LogMarks } from './marks.ts';
import { contains, difference, type Range, type Ranges } from './ranges.ts';
import type { UserLog } from './view.ts';

const NOTHING: Flags = Object.freeze({ seen: false, read: false, archived: false });

export function flagsAt({ seen, read, archived }: LogMarks, offset: number): Flags {
  return { seen: contains(seen, offset), read: contains(read, offset), archived: contains(archived, offset) };
}

export function marksViewOf(version: number, logs: readonly UserLog[]): MarksView {
  const byAudience = new Map<Audience, LogMarks>(logs.map(({ audience, marks }) => [audience, marks]));
  return {
    version,
    flagsOf: (audience, offset) => {
      const marks = byAudience.get(audience);
      return marks === undefined ? NOTHING : flagsAt(marks, offset);
    },
  };
}

/**
 * What is marked behind the heads of the logs. A user's marks may be quicker than what they are of: another node has
 * passed that on already, and this one will without marks.
 */
export function aheadOf(logs: readonly UserLog[]): Ahead | undefined {
  const entries = logs.flatMap(({ audience, head, marks }) => {
    const [seen, read, archived] = [marks.seen, marks.read, marks.archived].map((ranges) =>
      behind(ranges, head.offset),
    );
    // Whatever is read or archived has been seen.
    return seen === undefined ? [] : [[audience, { seen, read, archived }] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function behind(ranges: Ranges, offset: number): [number, number][] | undefined {
  const last = ranges.at(-1);
  if (last === undefined || last[1] <= offset) return undefined;
  return difference(ranges, [[1, offset]]).map(([first, end]: Range) => [first, end]);
}
