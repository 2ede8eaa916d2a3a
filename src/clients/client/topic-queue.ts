/**
 * What is asked about topics in one turn leaves in as few messages as the server takes: an app enters all of its topics
 * at once, and again in each session. In the order of the calls, for a topic may be left and entered in one turn.
 */
import type { Subscription } from '../../contract/topic-requests.ts';
import { partsOf } from './limits.ts';
import { type AnswerTo, closed, isError, isPassing, type Requests } from './requests.ts';

export type Subscribed = Exclude<AnswerTo<'subscribe'>, { readonly topics: unknown }>;

interface Entering {
  readonly bodyOf: () => Subscription;
  readonly resolve: (answer: Subscribed) => void;
  readonly reject: (error: unknown) => void;
  failures: number;
}

interface Leaving {
  readonly topic: string;
  /** However it ends. */
  readonly resolve: () => void;
}

type Asked = Entering | Leaving;

export class TopicQueue {
  readonly #requests: Requests;
  #asked: Asked[] = [];
  #isFlushing = false;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Until there is an answer, as {@link Requests.askUntilAnswered}; `bodyOf` is called for each try. */
  enter(bodyOf: () => Subscription): Promise<Subscribed> {
    return new Promise((resolve, reject) => this.#add([{ bodyOf, resolve, reject, failures: 0 }]));
  }

  /** In the present session; in the next one the socket is in no topic. */
  leave(topic: string): Promise<void> {
    if (!this.#requests.isOpen) return Promise.resolve();
    return new Promise((resolve) => this.#add([{ topic, resolve }]));
  }

  #add(asked: readonly Asked[]): void {
    this.#asked.push(...asked);
    if (!this.#isFlushing) void this.#flush();
  }

  async #flush(): Promise<void> {
    this.#isFlushing = true;
    try {
      await this.#requests.opened();
    } catch (error) {
      for (const one of this.#asked.splice(0)) fail(one, error);
      return;
    } finally {
      this.#isFlushing = false;
    }
    let entering: Entering[] = [];
    let leaving: Leaving[] = [];
    const send = () => {
      if (entering.length > 0) this.#enter(entering);
      if (leaving.length > 0) this.#leave(leaving);
      [entering, leaving] = [[], []];
    };
    for (const one of this.#asked.splice(0)) {
      if ('topic' in one ? entering.length > 0 : leaving.length > 0) send();
      if ('topic' in one) leaving.push(one);
      else entering.push(one);
    }
    send();
  }

  #enter(entering: readonly Entering[]): void {
    const { limits } = this.#requests;
    const bodies = new Map(entering.map((one) => [one.bodyOf(), one]));
    for (const part of partsOf([...bodies.keys()], limits.topicsPerRequest, limits)) {
      void this.#ask(
        part,
        part.flatMap((body) => bodies.get(body) ?? []),
      );
    }
  }

  async #ask(bodies: readonly Subscription[], entering: readonly Entering[]): Promise<void> {
    const results = await this.#resultsOf(bodies);
    const again: Entering[] = [];
    for (const [i, one] of entering.entries()) {
      const result = results[i];
      if (isPassing(result)) again.push(one);
      else if (result === undefined || result instanceof Error) one.reject(result);
      else one.resolve(result);
    }
    const [first] = again;
    const passing = results.find(isPassing);
    if (first === undefined || passing === undefined) return;
    try {
      await this.#requests.pauseAfter(passing, first.failures);
      for (const one of again) one.failures += 1;
      this.#add(again);
    } catch (error) {
      for (const one of again) one.reject(error);
    }
  }

  /** What becomes of each. */
  async #resultsOf(bodies: readonly Subscription[]): Promise<readonly (Subscribed | Error)[]> {
    const [only] = bodies;
    try {
      const body = bodies.length === 1 && only !== undefined ? only : { topics: bodies };
      const answer = await this.#requests.ask('subscribe', body);
      if (!('topics' in answer)) return [answer];
      return bodies.map((_, i) => {
        const one = answer.topics[i];
        if (one === undefined) return this.#requests.failure('subscribe', NO_ANSWER);
        return isError(one) ? this.#requests.failure('subscribe', one) : one;
      });
    } catch (error) {
      const failure = error instanceof Error ? error : closed();
      return bodies.map(() => failure);
    }
  }

  #leave(leaving: readonly Leaving[]): void {
    const { limits } = this.#requests;
    for (const part of partsOf(leaving, limits.topicsPerRequest, limits)) {
      const topics = part.map(({ topic }) => topic);
      const [only = ''] = topics;
      // Not connected any more, or not in it: it is left either way.
      const over = () => {
        for (const { resolve } of part) resolve();
      };
      this.#requests.ask('unsubscribe', topics.length === 1 ? { topic: only } : { topics }).then(over, over);
    }
  }
}

const NO_ANSWER = { error: { code: 'unavailable', message: 'no answer for this topic' } } as const;

function fail(one: Asked, error: unknown): void {
  if ('topic' in one) one.resolve();
  else one.reject(error);
}
