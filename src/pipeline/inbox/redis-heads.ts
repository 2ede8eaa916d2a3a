/** The heads of logs. A gateway asks for those of all its rooms, and for those of many rooms when many clients connect. */
import type { Cluster, Redis } from 'ioredis';
import { AskedTogether } from '../../adapters/redis/asked-together.ts';
import { logKeyOf } from '../../adapters/redis/keys.ts';
import { luaScript, runScript, unavailable } from '../../adapters/redis/script.ts';
import type { Audience } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';

const HEADS = luaScript(new URL('heads.lua', import.meta.url));

const MAX_KEYS = 500;

export class RedisHeads {
  readonly #redis: Redis | Cluster;
  readonly #heads: AskedTogether<Audience, Cursor>;

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    this.#heads = new AskedTogether({ redis, maxKeys: MAX_KEYS, ask: (audiences) => this.#ask(audiences) });
  }

  /** @throws {InboxUnavailable} */
  of(audience: Audience): Promise<Cursor> {
    return this.#heads.of(audience);
  }

  async #ask(audiences: readonly Audience[]): Promise<readonly Cursor[]> {
    const metas = audiences.map((audience) => logKeyOf(audience, 'meta'));
    const reply = await unavailable(() => runScript(this.#redis, HEADS, metas, []));
    if (!Array.isArray(reply)) throw new Error('the heads script answered in another form than expected');
    return audiences.map((_, i) => ({ epoch: String(reply[2 * i]), offset: Number(reply[2 * i + 1]) }));
  }
}
