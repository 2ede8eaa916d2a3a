/** Where a session began in the logs of its audiences: what presence and `explain` tell of it. */
import type { Audience } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { Cursors } from '../../contract/recovery.ts';

type Places = ReadonlyMap<Audience, Cursor>;

/** Where a session began, and what it said that it had. */
export interface Beginning {
  readonly atMs: number;
  /** Stays a Map: as an object with the user's own name in it each would have a hidden class of its own. */
  readonly places: Places;
  readonly cursors: Record<string, Cursor> | undefined;
}

/** Where it stays after a move, it began when it first entered. */
export function movedTo({ atMs, places: before, cursors }: Beginning, places: Places): Beginning {
  const moved = new Map([...places].map(([audience, place]) => [audience, before.get(audience) ?? place]));
  return { atMs, places: moved, cursors };
}

/** Of the cursors that the client presented those that were of use: the others may be anybody's, and many. */
export function beginningOf(places: Places, cursors: Cursors | undefined, atMs: number): Beginning {
  if (cursors === undefined) return { atMs, places, cursors: undefined };
  const own = [...places.keys()].flatMap((audience) => {
    const cursor = cursors[audience];
    return cursor === undefined ? [] : [[audience, cursor] as const];
  });
  return { atMs, places, cursors: Object.fromEntries(own) };
}
