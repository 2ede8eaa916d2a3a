/** Redis behind TLS with a company's own authority, which also asks for a certificate. */

import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  spawnCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { certificate, lent } from '../../../support/certificates.ts';
import { connectClient } from '../../../support/client.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { type RedisNode, startRedisNode, stopped } from '../../../support/redis-node.ts';
import { freshVhost } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const WAIT_MS = 60_000;

let folder: string;
let redis: RedisNode;
let carillon: CarillonProcess | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-tls-'));
  redis = await startTlsRedis();
});
afterEach(async () => {
  await carillon?.stop();
  carillon = undefined;
});
afterAll(async () => {
  await stopped(redis);
  await rm(folder, { recursive: true, force: true });
});

async function startTlsRedis(): Promise<RedisNode> {
  const settings = {
    'tls-cert-file': await lent(folder, 'server.pem'),
    'tls-key-file': await lent(folder, 'server.key'),
    'tls-ca-cert-file': await lent(folder, 'ca.pem'),
    'tls-auth-clients': 'yes',
  };
  const tls = {
    ca: readFileSync(certificate('ca.pem')),
    cert: readFileSync(certificate('client.pem')),
    key: readFileSync(certificate('client.key')),
  };
  const options = { enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: () => 50 } as const;
  return await startRedisNode(settings, (port) => new Redis(port, '127.0.0.1', { ...options, tls }));
}

test('a certificate that is wrong at the start and replaced later needs no restart', async () => {
  const caFile = join(folder, 'trusted.pem');
  await copyFile(certificate('stranger.pem'), caFile);
  const amqpUrl = await freshVhost();
  carillon = await spawnCarillon({
    JWT_SECRET,
    AMQP_URL: amqpUrl,
    REDIS_URL: `rediss://127.0.0.1:${redis.port}`,
    REDIS_CA_FILE: caFile,
    REDIS_CERT_FILE: certificate('client.pem'),
    REDIS_KEY_FILE: certificate('client.key'),
  });
  const { output } = carillon;
  await until('Redis to be refused', WAIT_MS, () => /Redis is away/.test(output.join('\n')));
  expect(output.join('\n')).toMatch(/"reason":"(self.signed|unable to verify)[^"]*"/);

  await copyFile(certificate('ca.pem'), caFile);
  const started = carillon;
  await until('Carillon to be ready', WAIT_MS, () => isReady(started));
  const client = connectClient(carillon.url, await tokenFor('ada'));
  await client.session();
  const producer = new Producer(amqpUrl);
  await producer.publish(madeEvent('through-tls', { audience: 'user:ada' }));
  await client.received(1);
  expect(client.notifications.map(({ id }) => id)).toEqual(['through-tls']);
  client.close();
  await producer.close();
});
