/** Where a session began in its audiences' logs. Presence and `explain` report it. */
import type { Audience } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { Cursors } from '../../contract/recovery.ts';

type Places = ReadonlyMap<Audience, Cursor>;

/** Where a session began, and which cursors it presented. */
export interface Beginning {
  readonly atMs: number;
  /** A Map on purpose: an object with the user's name as a key would get a hidden class of its own in V8. */
  readonly places: Places;
  readonly cursors: Record<string, Cursor> | undefined;
}

/**
 * The beginning after a move between departments: in audiences where the session stays, it began when it first
 * entered.
 */
export function movedTo({ atMs, places: before, cursors }: Beginning, places: Places): Beginning {
  const moved = new Map([...places].map(([audience, place]) => [audience, before.get(audience) ?? place]));
  return { atMs, places: moved, cursors };
}

/**
 * The beginning of a new session. Of the client's cursors only those for its own audiences are kept: the others could
 * be any, and many.
 */
export function beginningOf(places: Places, cursors: Cursors | undefined, atMs: number): Beginning {
  if (cursors === undefined) return { atMs, places, cursors: undefined };
  const own = [...places.keys()].flatMap((audience) => {
    const cursor = cursors[audience];
    return cursor === undefined ? [] : [[audience, cursor] as const];
  });
  return { atMs, places, cursors: Object.fromEntries(own) };
}
