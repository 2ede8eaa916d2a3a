/** Users' marks in Redis: one hash per user. */
import type { Cluster, Redis } from 'ioredis';
import { marksKeyOf } from '../../adapters/redis/keys.ts';
import { luaScript, runScript, unavailable } from '../../adapters/redis/script.ts';
import { type Audience, isAudience, roomOf } from '../../contract/audience.ts';
import { formatMarks, type LogMarks, parseMarks } from './marks.ts';
import type { MarksStore, UserMarks } from './marks-store.ts';

const SAVE = luaScript(new URL('marks.lua', import.meta.url));

export interface RedisMarksStoreOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Redis | Cluster;
  readonly channelOf: (room: string) => string;
  /** Marks of a user who has not been here for so long are forgotten. */
  readonly keptMs: number;
}

export class RedisMarksStore implements MarksStore {
  readonly #options: RedisMarksStoreOptions;

  constructor(options: RedisMarksStoreOptions) {
    this.#options = options;
  }

  async load(user: string): Promise<UserMarks> {
    const { redis, keptMs } = this.#options;
    const [fields] = await unavailable(() =>
      Promise.all([redis.hgetall(marksKeyOf(user)), redis.pexpire(marksKeyOf(user), keptMs)]),
    );
    const byAudience = new Map<Audience, LogMarks>();
    for (const [name, value] of Object.entries(fields)) {
      if (isAudience(name)) byAudience.set(name, parseMarks(value));
    }
    return { version: Number(fields['#'] ?? 0), byAudience };
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
}
