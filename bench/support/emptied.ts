/** An empty Redis and a fresh vhost for each measurement. */
import { Redis } from 'ioredis';
import type { RabbitMqServer } from '../../test/support/rabbitmq.ts';
import type { RedisServer } from '../../test/support/redis.ts';

let vhosts = 0;

export async function emptied(
  redis: RedisServer,
  rabbitMq: RabbitMqServer,
): Promise<{ readonly redisUrl: string; readonly amqpUrl: string }> {
  vhosts += 1;
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  return { redisUrl: redis.url, amqpUrl: await rabbitMq.vhost(`bench-${vhosts}`) };
}
