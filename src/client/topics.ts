/** The topics that the app wants, over however many connections: each again in every session, from its cursor on. */
import type { Announcer } from './announcer.ts';
import type { TopicOptions } from './api.ts';
import type { Requests } from './requests.ts';
import type { User } from './user.ts';

export interface TopicsOptions {
  readonly requests: Requests;
  /** Undefined before the first session. */
  readonly user: () => User | undefined;
  readonly announcer: Announcer;
}

interface Wanted {
  readonly options: TopicOptions;
  /** The subscribing that is under way or was the last. */
  readonly entering: Promise<void>;
}

const PREFIX = 'topic:';

export class Topics {
  readonly #options: TopicsOptions;
  readonly #topics = new Map<string, Wanted>();
  readonly #underWay = new Set<string>();

  constructor(options: TopicsOptions) {
    this.#options = options;
  }

  /** Whether the audience is a topic that the app does not want any more. */
  isLeft(audience: string): boolean {
    return audience.startsWith(PREFIX) && !this.#topics.has(audience.slice(PREFIX.length));
  }

  add(topic: string, options: TopicOptions): Promise<void> {
    return this.#topics.get(topic)?.entering ?? this.#begin(topic, options);
  }

  async remove(topic: string): Promise<void> {
    if (!this.#topics.delete(topic)) return;
    // Otherwise it is left when it has been entered; before that there is nothing to leave.
    if (!this.#underWay.has(topic)) await this.#leave(topic);
  }

  /** In a new session the socket is in no topic. What is under way comes again by itself. */
  enterAll(): void {
    for (const [topic, { options }] of this.#topics) {
      if (!this.#underWay.has(topic)) void this.#begin(topic, options);
    }
  }

  #begin(topic: string, options: TopicOptions): Promise<void> {
    const entering = this.#enter(topic, options);
    this.#topics.set(topic, { options, entering });
    entering.catch((error) => {
      if (this.#topics.get(topic)?.entering === entering) this.#topics.delete(topic);
      this.#options.announcer.error(error);
    });
    return entering;
  }

  async #enter(topic: string, { last }: TopicOptions): Promise<void> {
    const { requests, user, announcer } = this.#options;
    const audience = PREFIX + topic;
    this.#underWay.add(topic);
    try {
      const { epoch, head, missed } = await requests.askUntilAnswered('subscribe', () => {
        const ordering = user()?.ordering;
        ordering?.hold(audience);
        const cursor = ordering?.cursors.get(audience);
        if (cursor !== undefined) return { topic, cursor };
        return last === undefined ? { topic } : { topic, last };
      });
      this.#underWay.delete(topic);
      if (!this.#topics.has(topic)) {
        await this.#leave(topic);
        return;
      }
      const isLost = user()?.ordering.recover(audience, missed ?? { epoch, head }, missed);
      if (isLost) announcer.resync({ [audience]: { epoch, head } });
    } catch (error) {
      user()?.ordering.release(audience);
      throw error;
    } finally {
      this.#underWay.delete(topic);
    }
  }

  async #leave(topic: string): Promise<void> {
    this.#options.user()?.forget(PREFIX + topic);
    try {
      await this.#options.requests.ask('unsubscribe', { topic });
    } catch {
      // Not connected or not in it: it is left either way, and the next session does not enter it.
    }
  }
}
