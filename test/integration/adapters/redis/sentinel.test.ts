/**
 * Redis behind Sentinels, with the rights that docs/rabbitmq-and-redis.md tells and no others: Carillon finds the primary,
 * and finds the next one when roles change on command.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { doctor } from '../../../support/doctor.ts';
import { fencedBlocksIn } from '../../../support/fenced-blocks.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { type RedisSentinels, startRedisSentinels } from '../../../support/redis-sentinel.ts';
import { freshVhost } from '../../../support/servers.ts';

const PAGE = 'docs/rabbitmq-and-redis.md';

let redis: RedisSentinels;
let carillon: CarillonProcess | undefined;

/** Each line as words; the last two are for the Sentinels. */
function documentedRules(): readonly (readonly string[])[] {
  return fencedBlocksIn(PAGE)
    .filter(({ code }) => code.startsWith('ACL SETUSER carillon '))
    .map(({ code }) => code.split(' ').slice(3));
}

beforeAll(async () => {
  redis = await startRedisSentinels();
  const rules = documentedRules();
  const [own = [], , , wait = [], sentinel = []] = rules;
  expect(rules).toHaveLength(6);
  for (const { control } of redis.nodes) await control.call('ACL', 'SETUSER', 'carillon', ...own, ...wait);
  for (const { control } of redis.sentinels)
    await control.call('ACL', 'SETUSER', 'carillon', ...sentinel, '>sentinel@secret');
});
afterEach(async () => {
  await carillon?.stop();
});
afterAll(() => redis.stop());

function urlWith(login: string, sentinelPassword: string): string {
  const query = `sentinelUsername=carillon&sentinelPassword=${encodeURIComponent(sentinelPassword)}`;
  return `${redis.url.replace('//', `//${login}@`)}?${query}`;
}

test('events come before and after the roles change on command, with no right that the documents do not name', async () => {
  const amqpUrl = await freshVhost();
  const environment = {
    JWT_SECRET,
    AMQP_URL: amqpUrl,
    REDIS_URL: urlWith('carillon:secret', 'sentinel@secret'),
    REDIS_MIN_REPLICAS: '1',
  };
  carillon = await startCarillon(environment);
  const client = connectClient(carillon.url, await tokenFor('ada'));
  await client.session();
  const producer = new Producer(amqpUrl);
  await producer.publish(madeEvent('before', { audience: 'user:ada' }));
  await client.received(1);

  const { of, findings } = await doctor(environment);
  expect(findings.filter(({ verdict }) => verdict === 'wrong')).toEqual([]);
  expect(of('redis sentinels')).toMatchObject({
    verdict: 'ok',
    found: expect.stringMatching(/^3 of 3 answer/),
  });
  // Asking for it takes a right that the service does not need.
  expect(of('redis quorum')).toMatchObject({
    verdict: 'unknown',
    change: expect.stringContaining('ckquorum'),
  });
  expect(of('redis replicas')).toMatchObject({
    verdict: 'advice',
    found: '1 connected, REDIS_MIN_REPLICAS 1',
  });

  const [, replica] = redis.nodes;
  if (replica === undefined) throw new Error('no replica');
  await redis.promote(replica);
  await redis.isFollowed(replica);
  await producer.publish(madeEvent('after', { audience: 'user:ada' }));
  await client.received(2);
  expect(client.notifications.map(({ id }) => id)).toEqual(['before', 'after']);
  for (const { control } of redis.nodes) expect(await control.call('ACL', 'LOG')).toEqual([]);
  // ioredis tells Sentinels of 7.2 and later its name, and goes on when it may not. The doctor asks for the quorum.
  const mayLack = expect.stringMatching(/^(client\|setinfo|sentinel\|ckquorum)$/);
  for (const { control } of redis.sentinels)
    for (const denied of [await control.call('ACL', 'LOG')].flat())
      expect(denied).toEqual(expect.arrayContaining([mayLack]));

  expect(carillon.output.join('\n')).not.toContain('secret@');
  expect(carillon.output.join('\n')).not.toContain('sentinel@secret');
  client.close();
  await producer.close();
});

test('a password that the Sentinels do not take: the log says so, and not the password', async () => {
  const { of, exitCode } = await doctor({
    JWT_SECRET,
    AMQP_URL: await freshVhost(),
    REDIS_URL: urlWith('carillon:secret', 'another-secret'),
  });
  expect(exitCode).toBe(1);
  expect(of('redis')?.found).toMatch(/WRONGPASS/);
  expect(of('redis')?.found).not.toMatch(/another-secret/);
});

test('a primary of another name, a replica in place of the primary, Sentinels that are away, and no quorum', {
  timeout: 180_000,
}, async () => {
  const environment = { JWT_SECRET, AMQP_URL: await freshVhost() };
  const findingsFor = async (REDIS_URL: string) => await doctor({ ...environment, REDIS_URL });
  const url = urlWith('carillon:secret', 'sentinel@secret');
  const misnamed = await findingsFor(url.replace('/main', '/other'));
  expect(misnamed.of('redis sentinels')).toMatchObject({
    verdict: 'wrong',
    found: expect.stringMatching(/knows no primary "other"$/),
    change: expect.stringContaining('sentinel masters'),
  });
  const primary = await redis.primary();
  const replica = redis.nodes.find((node) => node !== primary);
  const direct = await findingsFor(`redis://carillon:secret@127.0.0.1:${replica?.port}`);
  expect(direct.of('redis role')).toMatchObject({
    verdict: 'wrong',
    found: `it is a replica of 127.0.0.1:${primary.port}, which takes no writes`,
    change: expect.stringContaining('name the primary in REDIS_URL'),
  });

  const [first, second, third] = redis.sentinels;
  for (const { control } of redis.sentinels)
    await control.call('ACL', 'SETUSER', 'carillon', ...(documentedRules().at(-1) ?? []));
  expect((await findingsFor(url)).of('redis quorum')).toMatchObject({ verdict: 'ok' });
  await third?.pause();
  expect((await findingsFor(url)).of('redis sentinels')).toMatchObject({
    verdict: 'advice',
    found: expect.stringMatching(new RegExp(`^127.0.0.1:${third?.port} gives no answer: .*timed out`)),
  });
  await third?.resume();
  await third?.stop();
  const silent = await findingsFor(url);
  expect(silent.of('redis sentinels')).toMatchObject({
    verdict: 'advice',
    found: expect.stringMatching(new RegExp(`^127.0.0.1:${third?.port} gives no answer: .*ECONNREFUSED`)),
  });
  await second?.stop();
  await expect
    .poll(async () => (await findingsFor(url)).of('redis quorum'), { timeout: 60_000 })
    .toMatchObject({ verdict: 'wrong', found: expect.stringContaining('NOQUORUM') });
  await first?.stop();
  expect((await findingsFor(url)).of('redis sentinels')?.verdict).toBe('wrong');
});
