/** Reads every key and value of Redis, to find the traces of a person. */
import { Redis } from 'ioredis';

interface Trace {
  /** The name of a key. */
  readonly place: string;
  readonly text: string;
}

/** Everything in Redis, as texts. */
export async function everythingIn(redisUrl: string): Promise<readonly Trace[]> {
  const redis = new Redis(redisUrl);
  try {
    const keys = await redis.keys('*');
    return await Promise.all(keys.map(async (place) => ({ place, text: await textOf(redis, place) })));
  } finally {
    redis.disconnect();
  }
}

async function textOf(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'hash':
      return JSON.stringify(await redis.hgetall(key));
    case 'zset':
      return JSON.stringify(await redis.zrange(key, 0, '-1', 'WITHSCORES'));
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'));
    default:
      throw new Error(`nobody reads keys of the type ${type}: ${key}`);
  }
}
