/** Reports sessions to presence: where each began, and where it stood when it left, unless its user was erased. */
import type { Attendee, PresentSession, Registering } from '../../contract/presence.ts';
import type { ObservedSession, SessionObserver } from './session-observer.ts';

export function reportPresence(node: string, presence: Registering): SessionObserver {
  const present = (session: ObservedSession) => presence.present(new PresentAttendee(session, node));
  return {
    notified: present,
    upgraded: present,
    leaving: (session) => {
      if (session.isErased) presence.forgotten(session.id);
      else presence.gone(session.id, session.placesNow());
    },
  };
}

class PresentAttendee implements Attendee {
  readonly #session: ObservedSession;
  readonly #node: string;

  constructor(session: ObservedSession, node: string) {
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
