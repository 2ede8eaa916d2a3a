/** What users fetched over HTTP and which signals were published, in Redis. */
import type { Cluster, Redis } from 'ioredis';
import { fetchedKeyOf, unreachedKeyOf } from '../adapters/redis/keys.ts';
import type { Audience } from '../contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../contract/notification.ts';
import type { UnreachedMemory, UnreachedMemoryLimits } from './unreached-memory.ts';

export interface RedisUnreachedMemoryOptions extends UnreachedMemoryLimits {
  /** MUST reject at once while Redis is away. */
  readonly redis: Redis | Cluster;
}

export class RedisUnreachedMemory implements UnreachedMemory {
  readonly #options: RedisUnreachedMemoryOptions;

  constructor(options: RedisUnreachedMemoryOptions) {
    this.#options = options;
  }

  fetched(audience: Audience, { epoch, offset }: Cursor): void {
    const { redis, fetchedKeptMs } = this.#options;
    // If this is lost, a check may report something as unreached that was fetched.
    redis.set(fetchedKeyOf(audience), `${epoch} ${offset}`, 'PX', fetchedKeptMs).catch(() => {});
  }

  async fetchedUpTo(audience: Audience): Promise<Cursor> {
    const text = await this.#options.redis.get(fetchedKeyOf(audience));
    const [epoch = EMPTY_HEAD.epoch, offset] = text?.split(' ') ?? [];
    return { epoch, offset: Number(offset ?? 0) };
  }

  async isSignalled(audience: Audience, place: Cursor): Promise<boolean> {
    return (await this.#options.redis.exists(unreachedKeyOf(audience, place))) === 1;
  }

  async signalled(audience: Audience, place: Cursor): Promise<void> {
    await this.#options.redis.set(
      unreachedKeyOf(audience, place),
      '1',
      'PX',
      this.#options.signalledKeptMs,
      'NX',
    );
  }
}
