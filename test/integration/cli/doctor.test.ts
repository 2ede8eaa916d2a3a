/** The doctor on stacks that are well, and on ones that are not: it names what is wrong, says what to change, ends with 1. */
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon } from '../../support/carillon.ts';
import { cli } from '../../support/cli.ts';
import { doctor } from '../../support/doctor.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { freshVhost } from '../../support/servers.ts';

let amqpUrl: string;
let redis: RedisServer;
let carillon: CarillonProcess;
let env: Record<string, string>;

beforeAll(async () => {
  [amqpUrl, redis] = await Promise.all([freshVhost(), startRedis({ persistent: true })]);
  const environment = { AMQP_URL: amqpUrl, REDIS_URL: redis.url, JWT_SECRET };
  carillon = await startCarillon(environment);
  env = {
    ...environment,
    CONNECTIONS_PER_NODE: '10',
    CARILLON_OPS_URL: carillon.opsUrl,
    CARILLON_MANAGEMENT_URL: inject('rabbitMq').managementUrl,
  };
});
afterAll(async () => {
  await carillon.stop();
  await redis.stop();
});

test('a stack that is well: 0, for people too', async () => {
  // The management API learns of the queues a moment after they are made.
  await expect.poll(async () => (await doctor(env)).of('rabbitmq policies')?.verdict).toBe('ok');
  const { exitCode, err, findings } = await doctor(env);
  expect(findings.filter(({ verdict }) => verdict === 'wrong')).toEqual([]);
  expect([exitCode, err]).toEqual([0, '']);
  expect(Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]))).toEqual({
    configuration: 'ok',
    'token secrets': 'ok',
    'rabbitmq version': 'ok',
    'rabbitmq topology': 'ok',
    'rabbitmq consumers': 'advice',
    'dead letters': 'ok',
    'rabbitmq alarms': 'ok',
    'rabbitmq rights': 'ok',
    'rabbitmq policies': 'ok',
    'rabbitmq bindings': 'ok',
    'redis version': 'ok',
    'redis role': 'ok',
    'redis persistence': 'ok',
    'redis memory': 'advice',
    'redis cluster': 'ok',
    'redis rights': 'ok',
    'redis clock': 'ok',
    node: 'ok',
    'open files': 'ok',
    readiness: 'ok',
  });
  const people = await cli(['doctor'], { ...env, PORT: '0', OPS_PORT: '0' });
  expect(people.exitCode).toBe(0);
  expect(people.out).toMatch(/^advice {3}redis memory: .*\n {8}→ set maxmemory/m);
});

test('a Redis that loses and evicts', async () => {
  const client = new Redis(redis.url);
  try {
    await client.config('SET', 'appendonly', 'no');
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const { exitCode, err, of } = await doctor(env);
    expect(of('redis persistence')).toMatchObject({
      verdict: 'wrong',
      change: expect.stringContaining('yes'),
    });
    expect(of('redis memory')).toMatchObject({
      verdict: 'wrong',
      change: expect.stringContaining('noeviction'),
    });
    expect([exitCode, err]).toEqual([1, expect.stringContaining('2 of 20')]);
    const noCluster = await doctor({ ...env, REDIS_CLUSTER: 'true' });
    expect(noCluster.of('redis cluster')).toMatchObject({
      verdict: 'wrong',
      found: 'it is no Cluster',
      change: expect.stringContaining('set REDIS_CLUSTER=false'),
    });
  } finally {
    await client.config('SET', 'appendonly', 'yes');
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    client.disconnect();
  }
});

test('a RabbitMQ that nobody has set up, or somebody differently', async () => {
  const empty = await freshVhost();
  const missing = await doctor({ ...env, AMQP_URL: empty });
  expect(missing.of('rabbitmq topology')).toMatchObject({
    verdict: 'wrong',
    found: expect.stringContaining('queue carillon.deliver'),
  });
  const model = await connect(empty);
  const channel = await model.createChannel();
  for (const name of ['carillon.events', 'carillon.signals', 'carillon.dead']) {
    await channel.assertExchange(name, 'topic');
  }
  await channel.assertExchange('carillon.unreached', 'direct');
  for (const name of ['deliver', 'dead', 'unreached', 'unreached.delay']) {
    await channel.assertQueue(`carillon.${name}`, { arguments: { 'x-queue-type': 'quorum' } });
  }
  const clash = await doctor({ ...env, AMQP_URL: empty });
  expect(clash.of('rabbitmq topology')).toMatchObject({
    verdict: 'wrong',
    found: expect.stringContaining('carillon.dead'),
  });
  expect(clash.of('rabbitmq consumers')).toMatchObject({ verdict: 'wrong' });
  expect(clash.exitCode).toBe(1);
  await model.close();
});

test('servers that are not there, without their passwords, and a configuration that is none', async () => {
  const away = await doctor({
    AMQP_URL: 'amqp://u:hidden@127.0.0.1:9',
    REDIS_URL: 'redis://u:hidden@127.0.0.1:9',
    JWT_SECRET,
    CARILLON_OPS_URL: 'http://127.0.0.1:9',
  });
  expect(away.findings.filter(({ verdict }) => verdict === 'wrong').map(({ check }) => check)).toEqual([
    'rabbitmq',
    'redis',
    'readiness',
  ]);
  expect(away.of('rabbitmq policies')?.verdict).toBe('unknown');
  expect(JSON.stringify(away)).not.toContain('hidden');
  expect(away.exitCode).toBe(1);
  const broken = await doctor({ AMQP_URL: amqpUrl, JWT_SECRET: 'short' });
  expect(broken.of('configuration')).toMatchObject({
    verdict: 'wrong',
    found: expect.stringMatching(/REDIS_URL/),
  });
  expect(JSON.stringify(broken)).not.toContain('"short');
});

test('more clients than files: advice', async () => {
  const { of } = await doctor({ CONNECTIONS_PER_NODE: '1000000' });
  expect(of('open files')).toMatchObject({ verdict: 'advice', change: expect.stringContaining('1000200') });
});
