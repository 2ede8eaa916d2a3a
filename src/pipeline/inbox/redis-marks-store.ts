/**
 * Users' marks in Redis: one hash per user. Those asked for in one turn of the event loop are read in one script, as when
 * many clients connect at once; on Cluster each user's alone.
 */
import { Cluster, type Redis } from 'ioredis';
import { z } from 'zod';
import { marksKeyOf } from '../../adapters/redis/keys.ts';
import { MicroBatch } from '../../adapters/redis/micro-batch.ts';
import { isWrongType, luaScript, runScript, unavailable } from '../../adapters/redis/script.ts';
import { type Audience, isAudience, roomOf } from '../../contract/audience.ts';
import { formatMarks, type LogMarks, parseMarks } from './marks.ts';
import type { MarksStore, UserMarks } from './marks-store.ts';

const LOAD = luaScript(new URL('marks-load.lua', import.meta.url));
const SAVE = luaScript(new URL('marks.lua', import.meta.url));

/** Keys of one script. */
const MAX_KEYS = 200;

const loadedSchema = z.array(z.array(z.string()));

interface Call {
  readonly user: string;
  readonly resolve: (marks: UserMarks) => void;
  readonly reject: (reason: unknown) => void;
}

export interface RedisMarksStoreOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Redis | Cluster;
  readonly channelOf: (room: string) => string;
  /** Marks of a user who has not been here for so long are forgotten. */
  readonly keptMs: number;
}

export class RedisMarksStore implements MarksStore {
  readonly #options: RedisMarksStoreOptions;
  readonly #turn = new MicroBatch<Call>((calls) => this.#leave(calls));

  constructor(options: RedisMarksStoreOptions) {
    this.#options = options;
  }

  load(user: string): Promise<UserMarks> {
    return new Promise((resolve, reject) => this.#turn.add({ user, resolve, reject }));
  }

  async save(
    user: string,
    version: number,
    changed: ReadonlyMap<Audience, LogMarks>,
    message: Buffer | undefined,
  ): Promise<boolean> {
    const { redis, channelOf, keptMs } = this.#options;
    const fields = [...changed].flatMap(([audience, marks]) => [audience, formatMarks(marks)]);
    const args = [version, keptMs, channelOf(roomOf(`user:${user}`)), message?.toString() ?? '', ...fields];
    return (await unavailable(() => runScript(redis, SAVE, [marksKeyOf(user)], args))) === 1;
  }

  #leave(calls: readonly Call[]): void {
    const atOnce = this.#options.redis instanceof Cluster ? 1 : MAX_KEYS;
    for (let i = 0; i < calls.length; i += atOnce) void this.#load(calls.slice(i, i + atOnce));
  }

  /** Never rejects: each call gets its own failure. */
  async #load(calls: readonly Call[]): Promise<void> {
    const { redis, keptMs } = this.#options;
    try {
      const keys = calls.map(({ user }) => marksKeyOf(user));
      const loaded = loadedSchema.parse(await unavailable(() => runScript(redis, LOAD, keys, [keptMs])));
      calls.forEach(({ resolve }, i) => {
        resolve(marksIn(loaded[i] ?? []));
      });
    } catch (error) {
      // A key that somebody has broken is the fault of nobody else.
      if (isWrongType(error) && calls.length > 1) for (const call of calls) void this.#load([call]);
      else for (const { reject } of calls) reject(error);
    }
  }
}

const NOTHING_MARKED: UserMarks = { version: 0, byAudience: new Map() };

/** Fields and values in turn. */
function marksIn(fields: readonly string[]): UserMarks {
  if (fields.length === 0) return NOTHING_MARKED;
  const byAudience = new Map<Audience, LogMarks>();
  let version = 0;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [name = '', value = ''] = [fields[i], fields[i + 1]];
    if (name === '#') version = Number(value);
    else if (isAudience(name)) byAudience.set(name, parseMarks(value));
  }
  return { version, byAudience };
}
