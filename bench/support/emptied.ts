/** Provides an empty Redis and a new vhost for each measurement. */
import { Redis } from 'ioredis';
import type { RedisServer } from '../../test/support/redis.ts';
import type { BenchRabbitMq } from './rabbitmq.ts';

export async function emptied(
  redis: RedisServer,
  rabbitMq: BenchRabbitMq,
): Promise<{ readonly redisUrl: string; readonly amqpUrl: string }> {
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  return { redisUrl: redis.url, amqpUrl: await rabbitMq.vhost() };
}
