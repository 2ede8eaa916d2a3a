/** Users' marks in Redis: one hash per user. */
import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { AskedTogether } from '../../adapters/redis/asked-together.ts';
import { marksKeyOf } from '../../adapters/redis/keys.ts';
import { luaScript, runScript, unavailable } from '../../adapters/redis/script.ts';
import { type Audience, isAudience, roomOf } from '../../contract/audience.ts';
import { formatMarks, type LogMarks, parseMarks } from './marks.ts';
import { type MarksStore, NOTHING_MARKED, type UserMarks } from './marks-store.ts';

const LOAD = luaScript(new URL('marks-load.lua', import.meta.url));
const SAVE = luaScript(new URL('marks.lua', import.meta.url));

const MAX_KEYS = 200;

const loadedSchema = z.array(z.array(z.string()));

export interface RedisMarksStoreOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Redis | Cluster;
  readonly channelOf: (room: string) => string;
  /** Marks of a user who has not been here for so long are forgotten. */
  readonly keptMs: number;
}

export class RedisMarksStore implements MarksStore {
  readonly #options: RedisMarksStoreOptions;
  readonly #marks: AskedTogether<string, UserMarks>;

  constructor(options: RedisMarksStoreOptions) {
    this.#options = options;
    const { redis } = options;
    this.#marks = new AskedTogether({ redis, maxKeys: MAX_KEYS, ask: (users) => this.#load(users) });
  }

  load(user: string): Promise<UserMarks> {
    return this.#marks.of(user);
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

  async #load(users: readonly string[]): Promise<readonly UserMarks[]> {
    const { redis, keptMs } = this.#options;
    const loaded = await unavailable(() => runScript(redis, LOAD, users.map(marksKeyOf), [keptMs]));
    return loadedSchema.parse(loaded).map(marksIn);
  }
}

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
