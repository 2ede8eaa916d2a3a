/**
 * Outcomes in Redis: one hash per event id, by source. One script writes all outcomes of a moment. In a Cluster each
 * id is written by itself, because ids are in different slots.
 */

import { Cluster, type Redis } from 'ioredis';
import { outcomeKeyOf } from '../../adapters/redis/keys.ts';
import { luaScript, runScript } from '../../adapters/redis/script.ts';
import type { Audience } from '../../contract/audience.ts';
import { type EventIdentity, type Outcomes, type SettledEvent, withoutAudience } from './outcomes.ts';
import { givenFromText, givenText, settledFromText, settledText } from './settled-text.ts';

const RECORD = luaScript(new URL('outcomes.lua', import.meta.url));
const FORGET = luaScript(new URL('forget-outcome.lua', import.meta.url));

/** Limits the run time of one script in Redis. */
const AT_ONCE = 100;

/**
 * Nobody waits for an outcome, so they are collected. A script in each turn of the event loop would be as many
 * scripts as there are appends.
 */
const LINGER_MS = 20;

/** Before a source, with what {@link givenText} says. No source holds a control character, so it is none itself. */
const GIVEN = '\u0001';

export interface RedisOutcomesOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Redis | Cluster;
  /** 0 keeps nothing. */
  readonly keptMs: number;
  /** Called for an outcome that could not be written. It is lost: an outcome is no reason to hold up an event. */
  readonly onLost: (error: unknown) => void;
}

export class RedisOutcomes implements Outcomes {
  readonly #options: RedisOutcomesOptions;
  /** The key of each event that waits, and beside it its line. */
  #keys: string[] = [];
  #lines: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RedisOutcomesOptions) {
    this.#options = options;
  }

  record({ source, id }: EventIdentity, settled: SettledEvent): void {
    if (this.#options.keptMs === 0) return;
    const key = outcomeKeyOf(id);
    const given = givenText(settled);
    if (given !== undefined) {
      this.#keys.push(key);
      this.#lines.push(`${GIVEN}${source} ${given}`);
    }
    this.#lines.push(`${source} ${settledText(settled)}`);
    if (this.#keys.push(key) >= AT_ONCE) void this.#leave();
    else this.#timer ??= setTimeout(() => this.#leave(), LINGER_MS);
  }

  async find(id: string): Promise<ReadonlyMap<string, SettledEvent>> {
    const bySource = new Map<string, SettledEvent>();
    const texts = await this.#options.redis.hgetall(outcomeKeyOf(id));
    for (const [source, text] of Object.entries(texts)) {
      const settled = source.startsWith(GIVEN) ? undefined : settledFromText(text);
      if (settled === undefined) continue;
      const given = texts[`${GIVEN}${source}`];
      bySource.set(source, given === undefined ? settled : { ...settled, ...givenFromText(given) });
    }
    return bySource;
  }

  async forget({ source, id }: EventIdentity, audience: Audience): Promise<void> {
    const { redis } = this.#options;
    const key = outcomeKeyOf(id);
    for (;;) {
      const text = await redis.hget(key, source);
      const settled = text === null ? undefined : settledFromText(text);
      if (text === null || settled === undefined) return;
      const rest = withoutAudience(settled, audience);
      if (rest === settled) return;
      const args = [source, `${GIVEN}${source}`, text, rest === undefined ? '' : settledText(rest)];
      // Another text is there when the event was settled once more meanwhile.
      if ((await runScript(redis, FORGET, [key], args)) === 1) return;
    }
  }

  /** Resolves when everything recorded is written or lost. */
  async close(): Promise<void> {
    await this.#leave();
  }

  async #leave(): Promise<void> {
    const { redis, keptMs, onLost } = this.#options;
    const [keys, lines] = [this.#keys, this.#lines];
    this.#keys = [];
    this.#lines = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const size = redis instanceof Cluster ? 1 : AT_ONCE;
    const scripts: Promise<unknown>[] = [];
    for (let i = 0; i < keys.length; i += size) {
      // All lines in one argument: ioredis' cost depends on the number of arguments rather than on their bytes.
      const args = [keptMs, lines.slice(i, i + size).join('\n')];
      scripts.push(runScript(redis, RECORD, keys.slice(i, i + size), args).catch(onLost));
    }
    await Promise.all(scripts);
  }
}
