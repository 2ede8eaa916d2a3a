/** Finds the traces of a person: in every key and value of Redis, and in every message of every queue. */
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { sharedManagement } from './servers.ts';

export interface Trace {
  /** The name of a key or of a queue. */
  readonly place: string;
  readonly text: string;
}

/** Everything in Redis, as texts. */
export async function everythingIn(redisUrl: string): Promise<readonly Trace[]> {
  const redis = new Redis(redisUrl);
  try {
    return await everythingOn(redis);
  } finally {
    redis.disconnect();
  }
}

/** Everything on one node, as texts. */
export async function everythingOn(redis: Redis): Promise<readonly Trace[]> {
  const keys = await redis.keys('*');
  return await Promise.all(keys.map(async (place) => ({ place, text: await textOf(redis, place) })));
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

/** Every message that waits in a queue of the virtual host, with its headers. They are given back. */
export async function everythingWaitingIn(amqpUrl: string, vhost: string): Promise<readonly Trace[]> {
  const queues = await sharedManagement().queues(vhost);
  const model = await connect(amqpUrl);
  try {
    const traces: Trace[] = [];
    for (const { name: place } of queues) {
      const channel = await model.createChannel();
      // A queue with a single active consumer gives nobody else a message, not even to say that it is empty.
      const { messageCount } = await channel.checkQueue(place);
      for (let i = 0; i < messageCount; i += 1) {
        const message = await channel.get(place);
        if (message === false) break;
        const { content, properties } = message;
        traces.push({ place, text: `${content.toString()} ${JSON.stringify(properties.headers)}` });
      }
      // Gives back what was taken.
      await channel.close();
    }
    return traces;
  } finally {
    await model.close();
  }
}
