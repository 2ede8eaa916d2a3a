/**
 * The RabbitMQ and the Redis that all test files share. Each caller gets an empty part of them. A test that restarts,
 * freezes or ends a server MUST start its own with `startRabbitMq()` or `startRedis()`.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { type Management, managementAt } from './management.ts';
import { amqpUrl } from './rabbitmq.ts';
import { redisDatabases } from './redis.ts';

/** The management API of the shared RabbitMQ. */
export function sharedManagement(): Management {
  return managementAt(inject('rabbitMq').managementUrl);
}

/** A name that no other test uses, because all files share the vhosts and users of the shared RabbitMQ. */
export function freshName(of: string): string {
  return `${of}-${randomUUID().slice(0, 8)}`;
}

/** Creates a vhost in the shared RabbitMQ, and returns its AMQP URL. The vhost lives until the end of the run. */
export async function freshVhost(): Promise<string> {
  const name = `test-${randomUUID()}`;
  await sharedManagement().createVhost(name);
  return amqpUrl(inject('rabbitMq').port, name);
}

/**
 * The URL of an empty database in the shared Redis, `redis://127.0.0.1:<port>/<database>`. The caller has its keys to
 * itself, but not the Pub/Sub channels, the scripts and CONFIG: Redis has one set of them for all databases.
 */
export async function freshRedis(): Promise<string> {
  const url = `redis://127.0.0.1:${inject('redis').port}`;
  const client = new Redis(url);
  try {
    // Database 0 only counts. In watch mode the numbers start again, so a database may hold data from an earlier run.
    const count = await client.incr('databases-given');
    const database = 1 + (count % (redisDatabases - 1));
    await client.select(database);
    await client.flushdb();
    return `${url}/${database}`;
  } finally {
    client.disconnect();
  }
}
