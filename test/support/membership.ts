/**
 * Prepares for the checker what a client received while its user moved between departments. The `session` messages tell
 * which places lie in a time when the client was not in the audience. Those places count as seen, because they were not
 * meant for this client.
 */
import type { Notification } from '../../src/contract/notification.ts';
import type { Session } from '../../src/contract/socket.ts';

interface Story {
  isIn: boolean;
  /** The last place that the client has received, or skipped because it was not in the audience. */
  last: number;
  readonly ids: string[];
}

/**
 * The numbers of the checker's events MUST be their offsets, so there may be only one producer, and the log MUST start
 * empty.
 */
export class Membership {
  readonly #stories = new Map<string, Story>();
  readonly #audiences: readonly string[];
  sessions: Session[] = [];

  constructor(audiences: readonly string[]) {
    this.#audiences = audiences;
    for (const audience of audiences) this.#stories.set(audience, { isIn: false, last: 0, ids: [] });
  }

  session(session: Session): void {
    this.sessions.push(session);
    for (const [audience, story] of this.#stories) {
      const head = session.audiences[audience]?.head;
      // While the client stays in a room, no place is skipped: a head beyond the last place that it received is a loss.
      if (head !== undefined && !story.isIn) passOver(audience, story, head);
      story.isIn = head !== undefined;
    }
  }

  notification({ audience, id, offset }: Pick<Notification, 'audience' | 'id' | 'offset'>): void {
    const story = this.#stories.get(audience);
    if (story === undefined) return;
    story.ids.push(story.isIn ? id : `${id} while it was not in ${audience}`);
    story.last = offset;
  }

  /** The last place of an audience that the client has received or skipped. */
  reached(audience: string): number {
    return this.#stories.get(audience)?.last ?? 0;
  }

  seen(): { readonly audience: string; readonly ids: readonly string[] }[] {
    return this.#audiences.map((audience) => ({ audience, ids: this.#stories.get(audience)?.ids ?? [] }));
  }
}

function passOver(audience: string, story: Story, head: number): void {
  for (let offset = story.last + 1; offset <= head; offset += 1) story.ids.push(`${audience}#${offset}`);
  story.last = Math.max(story.last, head);
}
