/** Sessions as presence has them: where each began, and where it stood when it left. */
import type { Audience } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { Attendee, PresentSession, Registering } from '../../contract/presence.ts';
import type { Cursors } from '../../contract/recovery.ts';
import type { Session } from './session.ts';
import type { SessionObserver } from './session-observer.ts';

export type Places = ReadonlyMap<Audience, Cursor>;

export function reportPresence(node: string, presence: Registering): SessionObserver {
  const present = (session: Session) => presence.present(new PresentAttendee(session, node));
  return {
    notified: present,
    upgraded: present,
    leaving: (session) => presence.gone(session.id, session.placesNow()),
  };
}

class PresentAttendee implements Attendee {
  readonly #session: Session;
  readonly #node: string;

  constructor(session: Session, node: string) {
    this.#session = session;
    this.#node = node;
  }

  get user(): string {
    return this.#session.user;
  }

  get session(): string {
    return this.#session.id;
  }

  describe(): PresentSession {
    const { id, device, address, transport, began } = this.#session;
    return {
      session: id,
      node: this.#node,
      ...(device === undefined ? {} : { device }),
      address,
      transport,
      connectedAt: new Date(began.atMs).toISOString(),
      ...(began.cursors === undefined ? {} : { cursors: began.cursors }),
      audiences: Object.fromEntries(began.places),
    };
  }
}

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
