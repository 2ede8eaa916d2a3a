/** A user's marks as others look at them: what was done with the notification at a place. */
import type { Audience } from '../contract/audience.ts';
import type { Flags, MarksView } from '../contract/inbox.ts';
import type { LogMarks } from './marks.ts';
import { contains } from './ranges.ts';
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
