/**
 * Random lives of one log on two machines. The log is appended to, fails over and back, is restored and damaged, while
 * clients stay, leave and return through gateways that restart. The promise: every client has, once, each event that
 * the log holds in the end, or it was told of a loss.
 */
import { expect } from 'vitest';
import { NO_DELIVERY_OBSERVERS } from '../../src/edge/gateway/delivery-observer.ts';
import { Feed } from '../../src/edge/gateway/feed.ts';
import { packetOf } from '../../src/pipeline/inbox/live-message.ts';
import fc from './fast-check.ts';
import { LogClient } from './log-clients.ts';
import { AUDIENCE, REMOVABLE, type SharedLog } from './shared-log.ts';

const FATES = ['arrives', 'arrives', 'is lost', 'comes late'] as const;

const anyAppend = fc.record({
  kind: fc.constant('append' as const),
  fates: fc.array(fc.constantFrom(...FATES), { minLength: 1, maxLength: 4 }),
});

/**
 * A consumer publishes an event again when it got no answer, or died before it could acknowledge the event to RabbitMQ.
 */
const anyRepeat = fc.record({
  kind: fc.constant('append again' as const),
  count: fc.integer({ min: 1, max: 4 }),
});

const anyRemoval = fc.record({ kind: fc.constant('remove' as const), what: fc.constantFrom(...REMOVABLE) });

const anyOther = fc.record({
  kind: fc.constantFrom(
    'replicate',
    'fail over',
    'restart',
    'back up',
    'restore',
    'check the feed',
    'go away',
    'come back',
    'another gateway',
  ),
});

export const anyLife = fc.array(
  fc.oneof(
    { arbitrary: anyAppend, weight: 6 },
    { arbitrary: anyRepeat, weight: 1 },
    { arbitrary: anyOther, weight: 6 },
    { arbitrary: anyRemoval, weight: 1 },
  ),
  { minLength: 4, maxLength: 16 },
);

type Generated<A> = A extends fc.Arbitrary<infer T> ? T : never;

type Step = Generated<typeof anyAppend | typeof anyRepeat | typeof anyRemoval | typeof anyOther>;

/** `turn`: awaited before each step, so that a test can decide what happens between two steps. */
export interface Pace {
  readonly turn: (what: string) => Promise<void>;
}

export class LogLife {
  readonly #log: SharedLog;
  readonly #pace: Pace;
  readonly #plain: LogClient[];
  readonly #traveller: LogClient;
  #feed: Feed;
  #published = 0;

  constructor(log: SharedLog, pace: Pace) {
    this.#log = log;
    this.#pace = pace;
    this.#feed = this.#newFeed();
    this.#plain = [new LogClient('plain', log)];
    this.#traveller = new LogClient('traveller', log);
  }

  async live(steps: readonly Step[]): Promise<void> {
    await this.#plain[0]?.enter(this.#feed);
    await this.#traveller.enter(this.#feed);
    for (const step of steps) {
      await this.#pace.turn(step.kind);
      await this.#take(step);
    }
    if (!this.#traveller.isHere) await this.#traveller.enter(this.#feed);
    await this.#append(['arrives']);
    await this.#feed.refresh();
    const clients = [...this.#plain, this.#traveller];
    for (const client of clients) expect(await client.missing()).toEqual([]);
    expect(clients.flatMap(({ faults }) => faults)).toEqual([]);
    this.#feed.close();
  }

  async #take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'append':
        return await this.#append(step.fates);
      case 'append again': {
        const first = Math.max(1, this.#published - step.count + 1);
        const ids = Array.from({ length: this.#published - first + 1 }, (_, i) => `event ${first + i}`);
        if (ids.length > 0)
          await this.#publish(
            ids,
            ids.map(() => 'arrives'),
          );
        return;
      }
      case 'replicate':
        return await this.#log.replicate();
      case 'fail over':
        return await this.#log.failOver();
      case 'restart':
        return await this.#log.restart();
      case 'back up':
        return await this.#log.backUp();
      case 'restore':
        return await this.#log.restore();
      case 'remove':
        return await this.#log.remove(step.what);
      case 'check the feed': {
        const asked = this.#feed.cursor;
        const [head = asked] = await this.#log.inbox.heads([AUDIENCE]);
        return this.#feed.check(head, asked);
      }
      case 'go away':
        return this.#traveller.leave();
      case 'come back':
        if (!this.#traveller.isHere) await this.#traveller.enter(this.#feed);
        return;
      case 'another gateway':
        return await this.#changeGateway();
    }
  }

  #newFeed(): Feed {
    return new Feed(AUDIENCE, {
      inbox: this.#log.inbox,
      inForce: () => this.#pace.turn('the subscription is in force'),
      observers: NO_DELIVERY_OBSERVERS,
      onFault: (_audience, error) => {
        throw error;
      },
      now: Date.now,
    });
  }

  async #changeGateway(): Promise<void> {
    const isHere = this.#traveller.isHere;
    this.#feed.close();
    this.#feed = this.#newFeed();
    // Without a cursor, a plain client hears nothing of what it missed, so it starts anew.
    this.#plain.splice(0, 1, new LogClient('plain', this.#log));
    await this.#plain[0]?.enter(this.#feed);
    if (isHere) await this.#traveller.enter(this.#feed);
  }

  #append(fates: readonly string[]): Promise<void> {
    const ids = fates.map(() => {
      this.#published += 1;
      return `event ${this.#published}`;
    });
    return this.#publish(ids, fates);
  }

  async #publish(ids: readonly string[], fates: readonly string[]): Promise<void> {
    const appended = await this.#log.append(ids);
    const feed = this.#feed;
    for (const [i, { epoch, offset, repeat }] of appended.entries()) {
      if (repeat || fates[i] === 'is lost') continue;
      const json = JSON.stringify({ id: ids[i], source: '/s', type: 't', epoch, offset });
      const message = { epoch, offset, sampled: false, packet: packetOf(json) };
      if (fates[i] === 'comes late') {
        void this.#pace.turn('a late message').then(() => feed.receive(message));
        continue;
      }
      await this.#pace.turn('a message');
      feed.receive(message);
    }
  }
}
