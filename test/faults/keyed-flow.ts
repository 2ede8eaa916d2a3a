/**
 * Numbered events of many users, each with its user as key, which go to everybody too. The checker judges each user's
 * log, and by key the log of everybody.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { logKeyOf } from '../../src/adapters/redis/keys.ts';
import type { Audience } from '../../src/contract/audience.ts';
import { Checker, flawless } from '../support/checker.ts';
import type { MadeEvent } from '../support/producer.ts';
import { until } from '../support/until.ts';

const USERS = Array.from({ length: 40 }, (_, i): Audience => `user:p${i}`);
const EVERYBODY: Audience = 'department:partitions';
const TIMEOUT_MS = 60_000;

export interface KeyedFlowOptions {
  readonly redisUrl: string;
  /** Resolves when RabbitMQ has confirmed all of them, in their order. */
  readonly publish: (events: readonly MadeEvent[]) => Promise<void>;
  /** From one batch, with an event of each user, to the next. 0: as fast as they are confirmed. */
  readonly everyMs: number;
  /** How many there are; without it they flow until {@link KeyedFlow.end}. */
  readonly most?: number;
}

export class KeyedFlow {
  /** Confirmed. */
  published = 0;
  readonly #options: KeyedFlowOptions;
  readonly #checker = new Checker();
  readonly #redis: Redis;
  readonly #flowing: Promise<void>;
  #isFlowing = true;

  constructor(options: KeyedFlowOptions) {
    this.#options = options;
    this.#redis = new Redis(options.redisUrl);
    this.#flowing = this.#flow();
    this.#flowing.catch(() => {});
  }

  /** How many events consumers have taken. */
  async taken(): Promise<number> {
    return await this.#redis.xlen(logKeyOf(EVERYBODY, 'log'));
  }

  /** Resolves when so many more are confirmed. */
  async confirms(count: number): Promise<void> {
    const target = this.published + count;
    await until(`${count} more events to be confirmed`, TIMEOUT_MS, () => this.published >= target);
  }

  /** Resolves when what was published so far is taken. */
  async untilTaken(): Promise<void> {
    const { published } = this;
    await until('the events so far to be taken', TIMEOUT_MS, async () => (await this.taken()) >= published);
  }

  /** Resolves when no more are published, unless there are so many that all of them are, and these are taken. */
  async end(): Promise<void> {
    if (this.#options.most === undefined) this.#isFlowing = false;
    await this.#flowing;
    // Otherwise the verdict tells which are missing.
    await this.untilTaken().catch(() => {});
  }

  /** After {@link end}. None is lost, twice or out of order by key, and no log has a hole. */
  async expectFlawless(): Promise<void> {
    const seen = await Promise.all(
      USERS.map(async (audience) => ({ audience, ids: await this.#idsIn(audience) })),
    );
    expect(this.#checker.judge(seen)).toEqual(flawless(this.published));
    const everybody = new Map<string, string[]>(USERS.map((audience) => [audience, []]));
    for (const id of await this.#idsIn(EVERYBODY)) everybody.get(id.slice(0, id.indexOf('#')))?.push(id);
    const byKey = [...everybody].map(([audience, ids]) => ({ audience, ids }));
    expect(this.#checker.judge(byKey)).toEqual(flawless(this.published));
  }

  close(): void {
    this.#isFlowing = false;
    this.#redis.disconnect();
  }

  async #flow(): Promise<void> {
    const { publish, everyMs, most = Number.POSITIVE_INFINITY } = this.#options;
    while (this.#isFlowing && this.published < most) {
      const next = pause(everyMs);
      const events = USERS.slice(0, most - this.published).map((user) =>
        this.#checker.next(user, { audience: [user, EVERYBODY] }),
      );
      await publish(events);
      this.published += events.length;
      await next;
    }
  }

  async #idsIn(audience: Audience): Promise<readonly string[]> {
    const entries = await this.#redis.xrange(logKeyOf(audience, 'log'), '-', '+');
    expect(entries.map(([id]) => id)).toEqual(entries.map((_, i) => `${i + 1}-0`));
    return entries.map(([, fields]) => {
      const { id }: { readonly id: string } = JSON.parse(fields[fields.indexOf('n') + 1] ?? '');
      return id;
    });
  }
}

/** The user whose event it is. */
export function keyOf({ id }: MadeEvent): string {
  return id.slice(0, id.indexOf('#'));
}
