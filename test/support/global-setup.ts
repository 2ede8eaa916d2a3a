/**
 * Runs once before all test files. Makes sure that the programs exist, and starts the RabbitMQ and the Redis that all
 * files share.
 */
import { readFile } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { parse } from 'yaml';
import type { Documents } from './contracts/documents.ts';
import { ensurePrograms } from './install.ts';
import { startRabbitMq } from './rabbitmq.ts';
import { startRedis } from './redis.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    rabbitMq: {
      readonly port: number;
      readonly managementUrl: string;
      readonly pid: number;
      readonly isLocal: boolean;
    };
    redis: { readonly port: number };
    /**
     * openapi.yaml and asyncapi.yaml, parsed, as one JSON text. Parsing that is faster than reading both documents in
     * each test file.
     */
    contracts: string;
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await ensurePrograms();
  const [rabbitMq, redis] = await Promise.all([startRabbitMq(), startRedis()]);
  const { port, managementUrl, pid, folder } = rabbitMq;
  project.provide('rabbitMq', { port, managementUrl, pid, isLocal: folder !== undefined });
  project.provide('redis', { port: redis.port });
  project.provide('contracts', JSON.stringify(await contracts()));

  return async () => {
    await Promise.all([rabbitMq.stop(), redis.stop()]);
  };
}

async function contracts(): Promise<Documents> {
  const read = async (name: string): Promise<unknown> =>
    parse(await readFile(new URL(`../../${name}`, import.meta.url), 'utf8'));
  return { 'openapi.yaml': await read('openapi.yaml'), 'asyncapi.yaml': await read('asyncapi.yaml') };
}
