/** The topics that the app wants, over however many connections: each again in every session, from its cursor on. */

import type { Announcer } from './announcer.ts';
import type { TopicOptions } from './api.ts';
import { recover } from './recovery.ts';
import type { Requests } from './requests.ts';
import { TopicQueue } from './topic-queue.ts';
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
  entering: Promise<void>;
  /** It has not been asked for yet: what comes is of an earlier subscription, which is left first. */
  isWaiting: boolean;
}

const PREFIX = 'topic:';
const NOTHING = Promise.resolve();

export class Topics {
  readonly #options: TopicsOptions;
  readonly #queue: TopicQueue;
  readonly #topics = new Map<string, Wanted>();
  /** The last of each, until it is over; never rejects. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: TopicsOptions) {
    this.#options = options;
    this.#queue = new TopicQueue(options.requests);
  }

  /** Whether the audience is a topic that the app does not want any more, or not yet again. */
  isLeft(audience: string): boolean {
    if (!audience.startsWith(PREFIX)) return false;
    return this.#topics.get(audience.slice(PREFIX.length))?.isWaiting ?? true;
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

  /** After what is under way. Topics that the app left meanwhile are left first. */
  #begin(topic: string, options: TopicOptions): Promise<void> {
    const before = this.#underWay.get(topic);
    const wanted: Wanted = { options, entering: NOTHING, isWaiting: before !== undefined };
    this.#topics.set(topic, wanted);
    wanted.entering =
      before === undefined ? this.#enter(topic, wanted) : before.then(() => this.#enter(topic, wanted));
    const over: Promise<void> = wanted.entering
      .catch((error) => {
        if (this.#isWanted(topic, wanted)) this.#topics.delete(topic);
        this.#options.announcer.error(error);
      })
      .then(() => {
        if (this.#underWay.get(topic) === over) this.#underWay.delete(topic);
      });
    this.#underWay.set(topic, over);
    return wanted.entering;
  }

  async #enter(topic: string, wanted: Wanted): Promise<void> {
    if (!this.#isWanted(topic, wanted)) return;
    wanted.isWaiting = false;
    const { last } = wanted.options;
    const { requests, user, announcer } = this.#options;
    const audience = PREFIX + topic;
    try {
      const { epoch, head, missed } = await this.#queue.enter(() => {
        const ordering = user()?.ordering;
        ordering?.hold(audience);
        const cursor = ordering?.cursors.get(audience);
        if (cursor !== undefined) return { topic, cursor };
        return last === undefined ? { topic } : { topic, last };
      });
      if (!this.#isWanted(topic, wanted)) {
        await this.#leave(topic);
        return;
      }
      // Before any listener runs, and may want to leave.
      this.#underWay.delete(topic);
      const present = user();
      if (present === undefined) return;
      const isPresent = () => this.#isWanted(topic, wanted);
      const recovering = { user: present, requests, announcer, isPresent };
      await recover(recovering, { [audience]: { epoch, head } }, { [audience]: missed });
    } catch (error) {
      user()?.ordering.release(audience);
      throw error;
    }
  }

  #isWanted(topic: string, wanted: Wanted): boolean {
    return this.#topics.get(topic) === wanted;
  }

  async #leave(topic: string): Promise<void> {
    this.#options.user()?.forget(PREFIX + topic);
    await this.#queue.leave(topic);
  }
}
