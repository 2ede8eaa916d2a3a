/** The inbox in Redis: a stream, a counter and dedupe keys per audience, written by one script (append.lua). */
import { Cluster } from 'ioredis';
import { z } from 'zod';
import { logKeyOf, logKeysOf, onceKeyOf } from '../../adapters/redis/keys.ts';
import { isTimeout, isWrongType, luaScript, runScript, unavailable } from '../../adapters/redis/script.ts';
import type { Audience } from '../../contract/audience.ts';
import { type Cursor, EMPTY_HEAD, notificationOf } from '../../contract/notification.ts';
import {
  type Appended,
  type Entry,
  type Inbox,
  type Place,
  type Shadows,
  type Stored,
  type StoredEnvelope,
  storedEnvelopeOf,
} from './inbox.ts';
import { type Incarnation, parseIncarnations } from './incarnations.ts';
import { PageSize } from './page-size.ts';
import { Progress } from './progress.ts';
import { RedisAppend, type RedisAppendOptions, whoServes } from './redis-append.ts';
import { RedisHeads } from './redis-heads.ts';

const ENVELOPES = luaScript(new URL('envelopes.lua', import.meta.url));
const FENCE = luaScript(...['log-state.lua', 'fence.lua'].map((name) => new URL(name, import.meta.url)));

const headSchema = z.tuple([z.string(), z.number()]);

export interface RedisInboxOptions extends RedisAppendOptions {
  /** Connections for appends alone. Without them appends share the others. */
  readonly appends?: Pick<RedisAppendOptions, 'redis' | 'runIdOf' | 'nodeOf' | 'replicas'>;
}

export class RedisInbox implements Inbox {
  readonly #options: RedisInboxOptions;
  readonly #append: RedisAppend;
  readonly #heads: RedisHeads;
  readonly #pages = new PageSize();
  readonly #reads = new Progress();

  constructor(options: RedisInboxOptions) {
    this.#options = options;
    this.#append = new RedisAppend({ ...options, ...options.appends });
    this.#heads = new RedisHeads(options.redis);
  }

  append(audience: Audience, entries: readonly Entry[]): Promise<readonly Appended[]> {
    return this.#append.append(audience, entries);
  }

  batchBytes(audience: Audience): number {
    return this.#append.batchBytes(audience);
  }

  /** Reads of logs fail again and again, and none has succeeded for some time. */
  get isReadingStalled(): boolean {
    return this.#reads.isStalled;
  }

  async heads(audiences: readonly Audience[]): Promise<readonly Cursor[]> {
    try {
      return await Promise.all(audiences.map((audience) => this.#heads.of(audience)));
    } catch (error) {
      // Without its head no log is read. That heads can be read says nothing of the entries.
      if (!isWrongType(error)) this.#reads.failed();
      throw error;
    }
  }

  /** Of its log, in entries. */
  length(audience: Audience): Promise<number> {
    return unavailable(() => this.#options.redis.xlen(logKeyOf(audience, 'log')));
  }

  async read(audience: Audience, first: number, last: number): Promise<readonly Stored[]> {
    const { redis } = this.#options;
    const read: Stored[] = [];
    for (let from = first; from <= last; ) {
      const page = await this.#page(last - from + 1, (count) =>
        redis.xrange(logKeyOf(audience, 'log'), `${from}-0`, `${last}-0`, 'COUNT', count),
      );
      read.push(...page.entries);
      from = page.isLast ? Number.POSITIVE_INFINITY : (read.at(-1)?.offset ?? last) + 1;
    }
    return read;
  }

  async readNewest(
    audience: Audience,
    first: number,
    last: number,
    limit: number,
  ): Promise<readonly Stored[]> {
    const { redis } = this.#options;
    const read: Stored[] = [];
    for (let upTo = last; upTo >= first && read.length < limit; ) {
      const page = await this.#page(Math.min(limit - read.length, upTo - first + 1), (count) =>
        redis.xrevrange(logKeyOf(audience, 'log'), `${upTo}-0`, `${first}-0`, 'COUNT', count),
      );
      read.push(...page.entries);
      upTo = page.isLast ? 0 : (read.at(-1)?.offset ?? first) - 1;
    }
    return read;
  }

  /** The next entries, as many as fit into an answer of a bounded size; `isLast`: the log holds no more of them. */
  async #page(
    most: number,
    ask: (count: number) => Promise<[id: string, fields: string[]][]>,
  ): Promise<{ readonly entries: readonly Stored[]; readonly isLast: boolean }> {
    for (;;) {
      const count = Math.min(most, this.#pages.entries);
      try {
        const rows = await this.#reading(() => ask(count));
        const entries = rows.map(([id, fields]) => parseRow(id, fields));
        this.#pages.saw(
          entries.length,
          entries.reduce((sum, { json }) => sum + json.length, 0),
        );
        return { entries, isLast: entries.length < count };
      } catch (error) {
        if (!isTimeout(error) || count === 1) throw error;
        this.#pages.timedOut();
      }
    }
  }

  /** What reads a log says whether logs can be read. */
  async #reading<T>(ask: () => Promise<T>): Promise<T> {
    try {
      const answer = await unavailable(ask);
      this.#reads.succeeded();
      return answer;
    } catch (error) {
      // One key that somebody has broken says nothing of the others.
      if (!isWrongType(error)) this.#reads.failed();
      throw error;
    }
  }

  async readEnvelopes(
    audience: Audience,
    first: number,
    last: number,
    limit: number,
  ): Promise<readonly StoredEnvelope[]> {
    const { redis } = this.#options;
    const args = [`${first}-0`, `${last}-0`, limit];
    const text = await this.#reading(() => runScript(redis, ENVELOPES, [logKeyOf(audience, 'log')], args));
    return parseEnvelopes(z.string().parse(text));
  }

  async places(audience: Audience, identities: readonly string[]): Promise<readonly (Place | undefined)[]> {
    if (identities.length === 0) return [];
    const keys = identities.map((identity) => onceKeyOf(audience, identity));
    return (await unavailable(() => this.#options.redis.mget(keys))).map(parsePlace);
  }

  async shadows(audience: Audience): Promise<Shadows> {
    const { redis } = this.#options;
    const [newest, retracted] = await unavailable(() =>
      Promise.all([
        redis.zrange(logKeyOf(audience, 'newest'), 0, '-1', 'WITHSCORES'),
        redis.zrange(logKeyOf(audience, 'retracted'), 0, '-1', 'WITHSCORES'),
      ]),
    );
    return { newest: placesIn(newest), retracted: placesIn(retracted) };
  }

  async fence(audience: Audience, { epoch, offset }: Cursor): Promise<Cursor> {
    const { node, runId } = whoServes(logKeyOf(audience, 'meta'), this.#options);
    const args = [runId, epoch, offset];
    try {
      const reply = await unavailable(() => runScript(node, FENCE, logKeysOf(audience), args));
      const [nowEpoch, head] = headSchema.parse(reply);
      return { epoch: nowEpoch, offset: head };
    } catch (error) {
      // Who asks asks again, and then it has to be known where the key has gone.
      const { redis } = this.#options;
      if (redis instanceof Cluster) redis.refreshSlotsCache();
      throw error;
    }
  }

  async incarnations(audience: Audience): Promise<readonly Incarnation[]> {
    const { redis } = this.#options;
    return parseIncarnations(
      (await unavailable(() => redis.hget(logKeyOf(audience, 'meta'), 'epochs'))) ?? '',
    );
  }
}

/** `<offset> <route or nothing>`, and behind that ` <gateways> <epoch>` when it was published. */
function parsePlace(text: string | null): Place | undefined {
  if (text === null) return undefined;
  const [offset, route = '', gateways] = text.split(' ');
  return {
    offset: Number(offset),
    route: route === '' ? undefined : route,
    gateways: gateways === undefined ? undefined : Number(gateways),
  };
}

/** The fields of a row in the order in which append.lua writes them: n, e, at, x, each before its value. */
function parseRow(id: string, fields: readonly string[]): Stored {
  const [, json = '', , epoch = EMPTY_HEAD.epoch, , at, , expires = ''] = fields;
  return {
    epoch,
    offset: Number.parseInt(id, 10),
    json,
    appendedAtMs: Number(at),
    ...(expires === '' ? {} : { expiresAtMs: Number(expires) }),
  };
}

/** Of envelopes.lua's answer. */
export const VALUES_PER_ENVELOPE = 5;

/** What envelopes.lua returns. */
function parseEnvelopes(text: string): readonly StoredEnvelope[] {
  const values: unknown = JSON.parse(text);
  if (!Array.isArray(values)) throw new Error('the envelopes script answered in another form than expected');
  const envelopes: StoredEnvelope[] = [];
  for (let i = 0; i < values.length; i += VALUES_PER_ENVELOPE) {
    const [offset, epoch, at, expires, envelope] = values.slice(i, i + VALUES_PER_ENVELOPE);
    const place = { epoch: String(epoch), offset: Number(offset) };
    envelopes.push(
      storedEnvelopeOf(notificationOf(envelope), place, Number(at), Number(expires) || undefined),
    );
  }
  return envelopes;
}

/** ZRANGE WITHSCORES: names and places in turn. */
function placesIn(reply: readonly string[]): Map<string, number> {
  const places = new Map<string, number>();
  for (let i = 0; i + 1 < reply.length; i += 2) places.set(reply[i] ?? '', Number(reply[i + 1]));
  return places;
}
