/**
 * The chat's own service: tells each room who has joined and who has left. It knows that from Carillon's signals, so
 * that no window has to say goodbye. A signal may be lost while RabbitMQ is away: that costs a line in the room.
 */

import type { Signal } from '../support/link.ts';
import type { Story } from '../support/story.ts';

const PREFIX = 'chat.';

/** Who is back by then has not left: a page that is loaded again, a train in a tunnel. */
const GRACE_MS = 3_000;

export class Rooms {
  readonly #publish: Story['publish'];
  /** The windows of each person in each room. */
  readonly #windows = new Map<string, Set<string>>();
  readonly #leaving = new Map<string, NodeJS.Timeout>();

  constructor(publish: Story['publish']) {
    this.#publish = publish;
  }

  take({ id, type, data: { user, topic, session } }: Signal): void {
    if (typeof user !== 'string' || typeof topic !== 'string' || typeof session !== 'string') return;
    if (!topic.startsWith(PREFIX)) return;
    const key = `${user} ${topic}`;
    const windows = this.#windows.get(key) ?? new Set();
    this.#windows.set(key, windows);
    if (type === 'carillon.topic.joined') {
      windows.add(session);
      if (this.#stays(key) || windows.size > 1) return;
      this.#say(id, topic, user, 'joined');
    } else if (type === 'carillon.topic.left' && windows.delete(session) && windows.size === 0) {
      const leave = () => {
        this.#leaving.delete(key);
        this.#windows.delete(key);
        this.#say(id, topic, user, 'left');
      };
      this.#leaving.set(key, setTimeout(leave, GRACE_MS));
    }
  }

  close(): void {
    for (const leaving of this.#leaving.values()) clearTimeout(leaving);
  }

  /** Whether the person was about to leave. */
  #stays(key: string): boolean {
    clearTimeout(this.#leaving.get(key));
    return this.#leaving.delete(key);
  }

  /** The signal's id is the event's: should the signal come twice, the room is told once. */
  #say(id: string, topic: string, user: string, what: 'joined' | 'left'): void {
    this.#publish({
      id,
      type: `chat.${what}`,
      source: '/chat-service',
      audience: `topic:${topic}`,
      severity: 'info',
      data: { user, body: `${user} ${what}` },
    }).catch((error) => console.error(`${topic} was not told that ${user} ${what}: ${error}`));
  }
}
