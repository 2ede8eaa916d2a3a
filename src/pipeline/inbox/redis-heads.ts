/**
 * The heads of logs. What is asked in one turn of the event loop is asked in one script, as when many clients connect
 * at once; on Cluster each log alone, since one script may touch many keys only where all are on one node.
 */
import { Cluster, type Redis } from 'ioredis';
import { logKeyOf } from '../../adapters/redis/keys.ts';
import { MicroBatch } from '../../adapters/redis/micro-batch.ts';
import { isWrongType, luaScript, runScript, unavailable } from '../../adapters/redis/script.ts';
import type { Audience } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';

const HEADS = luaScript(new URL('heads.lua', import.meta.url));

/** Keys of one script: about a millisecond of Redis' time. */
const MAX_KEYS = 500;

interface Call {
  readonly audience: Audience;
  readonly resolve: (head: Cursor) => void;
  readonly reject: (reason: unknown) => void;
}

export class RedisHeads {
  readonly #redis: Redis | Cluster;
  readonly #turn = new MicroBatch<Call>((calls) => this.#leave(calls));

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
  }

  /** @throws {InboxUnavailable} */
  of(audience: Audience): Promise<Cursor> {
    return new Promise((resolve, reject) => this.#turn.add({ audience, resolve, reject }));
  }

  #leave(calls: readonly Call[]): void {
    const atOnce = this.#redis instanceof Cluster ? 1 : MAX_KEYS;
    for (let i = 0; i < calls.length; i += atOnce) void this.#ask(calls.slice(i, i + atOnce));
  }

  /** Never rejects: each call gets its own failure. */
  async #ask(calls: readonly Call[]): Promise<void> {
    try {
      const metas = calls.map(({ audience }) => logKeyOf(audience, 'meta'));
      const reply = await unavailable(() => runScript(this.#redis, HEADS, metas, []));
      if (!Array.isArray(reply)) {
        throw new Error('the heads script answered in another form than expected');
      }
      calls.forEach(({ resolve }, i) => {
        resolve({ epoch: String(reply[2 * i]), offset: Number(reply[2 * i + 1]) });
      });
    } catch (error) {
      // A key that somebody has broken is the fault of nobody else.
      if (isWrongType(error) && calls.length > 1) for (const call of calls) void this.#ask([call]);
      else for (const { reject } of calls) reject(error);
    }
  }
}
