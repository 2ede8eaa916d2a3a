/** The inbox in Redis: a stream, a counter and dedupe keys per audience, written by one script (append.lua). */
import { Cluster, type Redis } from 'ioredis';
import { type Audience, audienceKind, roomOf } from '../contract/audience.ts';
import { type Incarnation, parseIncarnations } from '../contract/incarnations.ts';
import { type Cursor, EMPTY_HEAD } from '../contract/notification.ts';
import {
  type Appended,
  type Entry,
  type Inbox,
  type InboxLimits,
  InboxUnavailable,
  identityOf,
  type Shadows,
  type Stored,
} from './inbox.ts';
import { luaScript, runScript, unavailable } from './redis-script.ts';

const APPEND = luaScript('append.lua');
const HEADS = luaScript('heads.lua');

/** Keys of one call of heads.lua: about a millisecond of Redis' time. */
const HEADS_AT_ONCE = 500;

export interface RedisInboxOptions {
  /**
   * MUST reject at once while Redis is away, and MUST NOT send a command again after a reconnect: the script's
   * arguments name the node that they were made for.
   */
  readonly redis: Redis | Cluster;
  /** The `run_id` of the node that serves this key now; undefined while that is not known. */
  readonly runIdOf: (key: string) => string | undefined;
  /** The Pub/Sub channel of a room. */
  readonly channelOf: (room: string) => string;
  readonly limits: InboxLimits;
}

export class RedisInbox implements Inbox {
  readonly #options: RedisInboxOptions;

  constructor(options: RedisInboxOptions) {
    this.#options = options;
  }

  async append(audience: Audience, entries: readonly Entry[]): Promise<readonly Appended[]> {
    const { limits, channelOf, runIdOf } = this.#options;
    const kind = audienceKind(audience);
    const meta = key(audience, 'meta');
    const runId = runIdOf(meta);
    if (runId === undefined) throw new InboxUnavailable('Redis is not connected');
    const keys = [
      key(audience, 'log'),
      meta,
      key(audience, 'newest'),
      key(audience, 'retracted'),
      ...entries.map((entry) => key(audience, `once:${identityOf(entry)}`)),
    ];
    const reply = await unavailable(() =>
      runScript(this.#options.redis, APPEND, keys, [
        runId,
        channelOf(roomOf(audience)),
        limits.maxLength[kind],
        limits.maxAgeMs[kind],
        limits.dedupeMs,
        ...entries.flatMap((entry) => [
          entry.text.head,
          entry.text.tail,
          entry.sampled ? 's' : '',
          entry.expiresAtMs ?? '',
          entry.collapseKey ?? '',
          entry.retracts ?? '',
        ]),
      ]),
    );
    return parseAppendReply(reply, entries.length);
  }

  async heads(audiences: readonly Audience[]): Promise<readonly Cursor[]> {
    const { redis } = this.#options;
    const metas = audiences.map((audience) => key(audience, 'meta'));
    // One script may touch many keys only where all are on one node.
    const atOnce = redis instanceof Cluster ? 1 : HEADS_AT_ONCE;
    const calls = Array.from({ length: Math.ceil(metas.length / atOnce) }, (_, i) =>
      runScript(redis, HEADS, metas.slice(i * atOnce, (i + 1) * atOnce), []),
    );
    const replies = await unavailable(() => Promise.all(calls));
    return replies.flatMap(parseHeads);
  }

  async read(audience: Audience, first: number, last: number): Promise<readonly Stored[]> {
    const { redis } = this.#options;
    const rows = await unavailable(() => redis.xrange(key(audience, 'log'), `${first}-0`, `${last}-0`));
    return rows.map(([id, fields]) => parseRow(id, fields));
  }

  async readNewest(
    audience: Audience,
    first: number,
    last: number,
    limit: number,
  ): Promise<readonly Stored[]> {
    const { redis } = this.#options;
    const rows = await unavailable(() =>
      redis.xrevrange(key(audience, 'log'), `${last}-0`, `${first}-0`, 'COUNT', limit),
    );
    return rows.map(([id, fields]) => parseRow(id, fields));
  }

  async shadows(audience: Audience): Promise<Shadows> {
    const { redis } = this.#options;
    const [newest, retracted] = await unavailable(() =>
      Promise.all([
        redis.zrange(key(audience, 'newest'), 0, '-1', 'WITHSCORES'),
        redis.zrange(key(audience, 'retracted'), 0, '-1', 'WITHSCORES'),
      ]),
    );
    return { newest: placesIn(newest), retracted: placesIn(retracted) };
  }

  async incarnations(audience: Audience): Promise<readonly Incarnation[]> {
    const { redis } = this.#options;
    return parseIncarnations((await unavailable(() => redis.hget(key(audience, 'meta'), 'epochs'))) ?? '');
  }
}

/** Braces put all keys of an audience, and its room's channel, in one Cluster slot. */
function key(audience: Audience, name: string): string {
  return `carillon:{${audience}}:${name}`;
}

function parseAppendReply(reply: unknown, count: number): Appended[] {
  if (!Array.isArray(reply) || typeof reply[0] !== 'string' || reply.length !== 1 + 3 * count) {
    throw new InboxUnavailable('the append script answered in another form than expected');
  }
  const [epoch] = reply;
  return Array.from({ length: count }, (_, i) => ({
    epoch,
    offset: Number(reply[1 + 3 * i]),
    repeat: reply[2 + 3 * i] === 1,
    gateways: Number(reply[3 + 3 * i]),
  }));
}

function parseHeads(reply: unknown): Cursor[] {
  if (!Array.isArray(reply))
    throw new InboxUnavailable('the heads script answered in another form than expected');
  return Array.from({ length: reply.length / 2 }, (_, i) => ({
    epoch: String(reply[2 * i]),
    offset: Number(reply[2 * i + 1]),
  }));
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

/** ZRANGE WITHSCORES: names and places in turn. */
function placesIn(reply: readonly string[]): Map<string, number> {
  const places = new Map<string, number>();
  for (let i = 0; i + 1 < reply.length; i += 2) places.set(reply[i] ?? '', Number(reply[i + 1]));
  return places;
}
