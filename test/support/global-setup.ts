/** Runs once before all test files: sees to the programs, and starts the RabbitMQ and the Redis that they share. */
import type { TestProject } from 'vitest/node';
import { ensurePrograms } from './install.ts';
import { startRabbitMq } from './rabbitmq.ts';
import { startRedis } from './redis.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    rabbitMq: { readonly port: number; readonly managementUrl: string };
    redis: { readonly port: number };
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await ensurePrograms();
  const [rabbitMq, redis] = await Promise.all([startRabbitMq(), startRedis()]);
  project.provide('rabbitMq', { port: rabbitMq.port, managementUrl: rabbitMq.managementUrl });
  project.provide('redis', { port: redis.port });

  return async () => {
    await Promise.all([rabbitMq.stop(), redis.stop()]);
  };
}
