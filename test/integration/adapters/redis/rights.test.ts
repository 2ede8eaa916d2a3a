/** Users of Redis with exactly the documented rules run; each rule that is missing is named by the log and by health. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JWT_SECRET, spawnCarillon, startCarillon } from '../../../support/carillon.ts';
import { complaints, doctor } from '../../../support/doctor.ts';
import { type RedisServer, startRedis } from '../../../support/redis.ts';
import { startRedisCluster } from '../../../support/redis-cluster.ts';
import {
  CLUSTER_RULES,
  DATABASE_RULES,
  expectNamed,
  RULES,
  rightsOf,
  urlFor,
} from '../../../support/rights.ts';
import { freshName } from '../../../support/servers.ts';

let redis: RedisServer;
let control: Redis;
/** With rights in RabbitMQ, in a virtual host of its own. */
let environment: Record<string, string>;

beforeAll(async () => {
  redis = await startRedis({ persistent: true });
  control = new Redis(redis.url);
  await control.call('ACL', 'SETUSER', 'carillon', ...RULES);
  environment = { AMQP_URL: await urlFor(freshName('redis'), rightsOf('carillon')), JWT_SECRET };
});
afterAll(async () => {
  control.disconnect();
  await redis.stop();
});

const userUrl = (user: string, password: string) => `redis://${user}:${password}@127.0.0.1:${redis.port}`;

test('a wrong password, and each rule that is missing', { timeout: 180_000 }, async () => {
  const wrong = await spawnCarillon({ ...environment, REDIS_URL: userUrl('carillon', 'wrong') });
  await expectNamed(wrong, 'redis', 'redis_login_refused', /^/);
  await wrong.stop();
  expect(
    (await doctor({ ...environment, REDIS_URL: userUrl('carillon', 'wrong') })).of('redis'),
  ).toMatchObject({
    verdict: 'wrong',
    found: expect.stringContaining('WRONGPASS'),
    change: expect.stringContaining('correct user name and password in REDIS_URL'),
  });
  const lacks: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['info', ['-info'], /info/],
    ['scripts', ['-evalsha', '-eval'], /evalsha/],
    ['appending', ['-xadd'], /a command in the script/],
    ['keys', ['resetkeys'], /carillon:/],
    ['subscribing', ['-ssubscribe'], /ssubscribe/],
    ['channels', ['resetchannels', '&carillon:*'], /socket\.io#/],
  ];
  for (const [name, rules, what] of lacks) {
    await control.call('ACL', 'SETUSER', name, ...RULES, ...rules);
    const lacking = { ...environment, REDIS_URL: userUrl(name, 'secret') };
    const carillon = await spawnCarillon(lacking);
    await expectNamed(carillon, 'redis', 'redis_right_missing', what);
    await carillon.stop();
    const { of } = await doctor(lacking);
    expect(of('redis rights')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringMatching(/may not|NOPERM/),
    });
  }
});

test('another database than 0', { timeout: 120_000 }, async () => {
  await control.call('ACL', 'LOG', 'RESET');
  await control.call('ACL', 'SETUSER', 'numbered', ...RULES, ...DATABASE_RULES);
  const url = await urlFor(freshName('numbered'), rightsOf('carillon'));
  const numbered = { ...environment, AMQP_URL: url, REDIS_URL: `${userUrl('numbered', 'secret')}/5` };
  const carillon = await startCarillon(numbered);
  expect(await complaints(numbered)).toEqual([]);
  expect(await control.call('ACL', 'LOG')).toEqual([]);
  await carillon.stop();
  const unnumbered = await doctor({ ...numbered, REDIS_URL: `${userUrl('carillon', 'secret')}/5` });
  expect(unnumbered.of('redis')).toMatchObject({
    verdict: 'wrong',
    found: expect.stringContaining('cannot select database 5'),
    change: expect.stringContaining('+select'),
  });
});

test('a Cluster', { timeout: 120_000 }, async () => {
  const cluster = await startRedisCluster();
  for (const { control: node } of cluster.nodes) {
    await node.call('ACL', 'SETUSER', 'carillon', ...RULES, ...CLUSTER_RULES);
  }
  const url = await urlFor(freshName('clustered'), rightsOf('carillon'));
  const REDIS_URL = cluster.url.replaceAll('redis://', 'redis://carillon:secret@');
  const carillon = await startCarillon({ ...environment, AMQP_URL: url, REDIS_URL });
  expect(carillon.output.filter((line) => /right_missing|_refused|NOPERM/.test(line))).toEqual([]);
  const clustered = { ...environment, AMQP_URL: url, REDIS_URL };
  expect(await complaints(clustered)).toEqual([]);
  for (const { control: node } of cluster.nodes) expect(await node.call('ACL', 'LOG')).toEqual([]);
  await carillon.stop();

  // A slot that nobody serves, in the view of each node.
  for (const { control: node } of cluster.nodes) await node.call('CLUSTER', 'DELSLOTS', '7');
  await expect
    .poll(async () => (await doctor(clustered)).of('redis cluster'), { timeout: 60_000 })
    .toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining('16383 of 16384 slots assigned'),
      change: expect.stringContaining('redis-cli --cluster check'),
    });
  await cluster.stop();
});
