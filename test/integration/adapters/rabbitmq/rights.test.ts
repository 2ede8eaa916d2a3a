/**
 * Users of RabbitMQ and Redis with exactly the rights that docs/rabbitmq-and-redis.md tells run the whole program, and each right
 * that is missing is one line in the log and a reason in health that name it.
 */
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Publisher } from '../../../../src/adapters/rabbitmq/publisher.ts';
import { amqpAddressOf } from '../../../../src/config/amqp-address.ts';
import { healthSchema } from '../../../../src/contract/health.ts';
import { admin } from '../../../support/admin.ts';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  spawnCarillon,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { cli } from '../../../support/cli.ts';
import { connectClient } from '../../../support/client.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { type RabbitMqServer, startRabbitMq } from '../../../support/rabbitmq.ts';
import { type RedisServer, startRedis } from '../../../support/redis.ts';
import { startRedisCluster } from '../../../support/redis-cluster.ts';
import { SignalListener } from '../../../support/signal-listener.ts';
import { until } from '../../../support/until.ts';

const PAGE = readFileSync(new URL('../../../../docs/rabbitmq-and-redis.md', import.meta.url), 'utf8');

/** `configure`, `write`, `read`. */
function rightsOf(user: string): readonly string[] {
  const command = PAGE.split(`rabbitmqctl set_permissions -p / ${user} `)[1];
  return [...(command ?? '').matchAll(/'([^']*)'/g)].map(([, right = '']) => right).slice(0, 3);
}

const [RULES = [], DATABASE_RULES = [], CLUSTER_RULES = []] = [
  ...PAGE.matchAll(/^ACL SETUSER carillon (.*)$/gm),
].map(([, rules = '']) => rules.split(' '));

let rabbitMq: RabbitMqServer;
let redis: RedisServer;
let control: Redis;
/** With rights, of a virtual host of its own. */
let environment: Record<string, string>;

beforeAll(async () => {
  [rabbitMq, redis] = await Promise.all([startRabbitMq(), startRedis({ persistent: true })]);
  control = new Redis(redis.url);
  await control.call('ACL', 'SETUSER', 'carillon', ...RULES);
  environment = {
    AMQP_URL: await urlFor('whole', rightsOf('carillon')),
    REDIS_URL: redisUrl('carillon', 'secret'),
    JWT_SECRET,
  };
});
afterAll(async () => {
  control.disconnect();
  await Promise.all([rabbitMq.stop(), redis.stop()]);
});

/** A user of a fresh virtual host, both of that name. */
async function urlFor(name: string, rights: readonly string[]): Promise<string> {
  await rabbitMq.management.createVhost(name);
  await rabbitMq.management.put(`users/${name}`, { password: 'secret', tags: '' });
  await permit(name, rights);
  return amqpUrl(name, 'secret', name);
}

const permit = (name: string, [configure = '', write = '', read = '']: readonly string[], vhost = name) =>
  rabbitMq.management.put(`permissions/${vhost}/${name}`, { configure, write, read });

const amqpUrl = (user: string, password: string, vhost: string) =>
  `amqp://${user}:${password}@127.0.0.1:${rabbitMq.port}/${vhost}`;

const redisUrl = (user: string, password: string) => `redis://${user}:${password}@127.0.0.1:${redis.port}`;

async function partsOf({ opsUrl }: CarillonProcess) {
  const answer = await fetch(`${opsUrl}/health/ready`).catch(() => undefined);
  return answer === undefined ? {} : (healthSchema.parse(await answer.json()).parts ?? {});
}

/** The lines with this code, as objects. */
function linesWith({ output }: CarillonProcess, code: string): Record<string, unknown>[] {
  return output.filter((line) => line.includes(`"code":"${code}"`)).map((line) => JSON.parse(line));
}

/** The process is not ready and says why, once in its log and always in its health; all of its log is JSON. */
async function expectNamed(
  carillon: CarillonProcess,
  part: string,
  code: string,
  what: RegExp,
): Promise<void> {
  await until(`health to name ${code} ${what}`, 60_000, async () => {
    const { reason = '' } = (await partsOf(carillon))[part] ?? {};
    return reason.startsWith(code) && what.test(reason);
  });
  await until('the log to name it', 20_000, () => linesWith(carillon, code).length > 0);
  expect(linesWith(carillon, code)[0]?.level).toBe('error');
  for (const line of carillon.output) expect(() => JSON.parse(line)).not.toThrow();
}

test('the whole program runs with what is documented, and with nothing less', {
  timeout: 120_000,
}, async () => {
  await control.call('ACL', 'LOG', 'RESET');
  const all = { ...environment, UNREACHED_AFTER: '1', CONSOLE: 'true', FEED_CHECK_SECONDS: '1' };
  const consumer = await startCarillon({ ...all, ROLES: 'gateway,consumer' });
  const gateway = await startCarillon({ ...all, ROLES: 'gateway' });
  const listener = await SignalListener.open(rabbitMq.url('whole'), 'carillon.notification.unreached');
  await rabbitMq.management.put('users/shop', { password: 'secret', tags: '' });
  await permit('shop', rightsOf('shop'), 'whole');
  const producer = new Producer(amqpUrl('shop', 'secret', 'whole'));

  const token = await tokenFor('ada', { departments: ['sales'], topics: ['*'], publish: ['*'] });
  const ada = connectClient(gateway.url, token, { auth: { device: 'phone' } });
  await ada.session();
  await producer.publish(
    madeEvent('one', { audience: 'user:ada' }),
    madeEvent('nobody'),
    madeEvent('away', { audience: 'user:bob' }),
  );
  await ada.received(1);
  await ada.ask('subscribe', { topic: 'news' });
  await ada.ask('publish', { topic: 'news', type: 'news', data: {} });
  await ada.received(2);
  expect(await ada.ask('mark', { as: 'read', ids: ['one'] })).not.toHaveProperty('error');
  expect(await ada.ask('inbox', {})).not.toHaveProperty('error');
  await listener.heard('bob');

  for (const path of ['users/ada/sessions', 'audiences/user:ada']) {
    await expect.poll(async () => (await admin(consumer, 'GET', path)).status).toBe(200);
  }
  expect(
    (await admin(consumer, 'PUT', 'users/ada/departments', { body: { departments: ['north'] } })).status,
  ).toBe(200);
  await expect
    .poll(async () => (await admin(gateway, 'GET', 'explain?event=one&user=ada')).answer)
    .toMatchObject({ verdict: 'read' });
  await until('the dead letter', 20_000, async () => {
    const { answer } = await admin(gateway, 'GET', 'dead-letters');
    return JSON.stringify(answer).includes('no_audience');
  });
  expect((await admin(gateway, 'POST', 'dead-letters/redrive', { body: {} })).status).toBe(200);
  expect((await admin(gateway, 'POST', 'users/ada/disconnect', { body: {} })).status).toBe(202);
  await until('the goaway', 20_000, () => ada.goaways.length > 0);
  const sent = await cli(['send', '--audience', 'user:ada', '--title', 'x'], {
    AMQP_URL: amqpUrl('shop', 'secret', 'whole'),
  });
  expect(sent.err).toBe('');
  const doctor = await cli(['doctor', '--json'], { ...environment, CARILLON_OPS_URL: gateway.opsUrl });
  expect(doctor.out.split('\n').filter((line) => line.includes('"verdict":"wrong"'))).toEqual([]);

  for (const carillon of [consumer, gateway]) {
    await expect.poll(() => isReady(carillon)).toBe(true);
    expect(
      carillon.output.filter((line) => /right_missing|_refused|ACCESS_REFUSED|NOPERM/.test(line)),
    ).toEqual([]);
  }
  expect(await control.call('ACL', 'LOG')).toEqual([]);
  ada.close();
  await Promise.all([producer.close(), listener.close()]);
  await Promise.all([consumer.stop(), gateway.stop()]);
});

test('RabbitMQ: a wrong password, an unknown virtual host, one without permissions', {
  timeout: 180_000,
}, async () => {
  await rabbitMq.management.createVhost('closed');
  const cases = [
    [amqpUrl('whole', 'wrong', 'whole'), 'rabbitmq_login_refused', /user "whole"/],
    [amqpUrl('whole', 'secret', 'nowhere'), 'rabbitmq_vhost_refused', /virtual host "nowhere"/],
    [amqpUrl('whole', 'secret', 'closed'), 'rabbitmq_vhost_refused', /virtual host "closed"/],
  ] as const;
  for (const [AMQP_URL, code, what] of cases) {
    const carillon = await spawnCarillon({ ...environment, AMQP_URL });
    await expectNamed(carillon, 'rabbitmq', code, what);
    await expectNamed(carillon, 'consumer', code, what);
    expect(carillon.output.join('')).not.toContain('ConnectionOpenOk');
    await carillon.stop();
  }
});

test('RabbitMQ: each right on each name', { timeout: 180_000 }, async () => {
  const kinds = ['configure', 'write', 'read'] as const;
  const missing = kinds.flatMap((kind, i) => {
    const [, names = ''] = /\((.*)\)/.exec(rightsOf('carillon')[i] ?? '') ?? [];
    return names.split('|').map((name) => ({ kind, name: name.replace('\\', '') }));
  });
  expect(missing).toHaveLength(7 + 6 + 5);
  for (const [i, { kind, name }] of missing.entries()) {
    // Asked for only when an operator looks at dead letters.
    if (name === 'dead.lock') continue;
    const without = `^carillon\\.(?!${name.replace('.', '\\.')}$).*$`;
    // What exists already is not asked about in full.
    const rights = kinds.map((one) => (one === kind ? without : '.*'));
    const url = await urlFor(`lacking-${i}`, rights);
    const lines: string[] = [];
    const log = pino({}, { write: (line) => lines.push(line) });
    const publisher = new Publisher(log, (clash) => expect.fail(clash.message));
    await publisher.open(amqpAddressOf(url));
    const said = new RegExp(`^rabbitmq_right_missing: .*"lacking-${i}".* ${kind}.* "carillon\\.${name}"`);
    const alsoSaid = new RegExp(said.source.replace(kind, `and ${kind}`));
    await until(`${kind} on ${name} to be named`, 20_000, async () => {
      // Some rights are asked for only when something is published.
      await publisher.publish(`carillon.${name}`, 'key', Buffer.from('{}'), {}).catch(() => {});
      const { trouble = '' } = publisher;
      return said.test(trouble) || alsoSaid.test(trouble);
    });
    expect(lines.filter((line) => line.includes('"code":"rabbitmq_right_missing"'))).toHaveLength(1);
    await publisher.close();
  }
});

test('RabbitMQ: a process without the right to consume names it', { timeout: 120_000 }, async () => {
  const url = await urlFor('unread', rightsOf('carillon'));
  const complete = await startCarillon({ ...environment, AMQP_URL: url });
  await complete.stop();
  await permit('unread', ['.*', '.*', '^carillon\\.(?!deliver$).*$']);
  const carillon = await spawnCarillon({ ...environment, AMQP_URL: url });
  await expectNamed(carillon, 'consumer', 'rabbitmq_right_missing', /read queue "carillon\.deliver"/);
  await carillon.stop();
});

test('RabbitMQ: an operator who may not lock the dead letters is told so', async () => {
  const url = await urlFor('unlocked', ['^carillon\\.(?!dead\\.lock$).*$', '.*', '.*']);
  const carillon = await startCarillon({ ...environment, AMQP_URL: url });
  const { status, answer } = await admin(carillon, 'GET', 'dead-letters');
  expect([status, JSON.stringify(answer)]).toEqual([503, expect.stringContaining('carillon.dead.lock')]);
  await carillon.stop();
});

test('RabbitMQ: a right that is taken away closes no channel again and again', {
  timeout: 120_000,
}, async () => {
  const url = await urlFor('quiet', rightsOf('carillon'));
  await permit('quiet', ['.*', '^carillon\\.(?!signals$).*$', '.*']);
  const carillon = await startCarillon({ ...environment, AMQP_URL: url });
  const beganMs = performance.now();
  // Each tells two signals.
  for (let i = 0; i < 20; i += 1) {
    const ada = connectClient(carillon.url, await tokenFor('ada'));
    await ada.session();
    ada.close();
  }
  await expectNamed(carillon, 'rabbitmq', 'rabbitmq_right_missing', /write exchange "carillon\.signals"/);
  const closed = carillon.output.filter((line) => line.includes('closed the publishing channel'));
  // One for each pause that it makes, and what was on its way at the same time.
  expect(closed.length).toBeLessThan(10 + (performance.now() - beganMs) / 5_000);
  await carillon.stop();
});

test('Redis: a wrong password, and each rule that is missing', { timeout: 180_000 }, async () => {
  const wrong = await spawnCarillon({ ...environment, REDIS_URL: redisUrl('carillon', 'wrong') });
  await expectNamed(wrong, 'redis', 'redis_login_refused', /^/);
  await wrong.stop();
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
    const carillon = await spawnCarillon({ ...environment, REDIS_URL: redisUrl(name, 'secret') });
    await expectNamed(carillon, 'redis', 'redis_right_missing', what);
    await carillon.stop();
  }
});

test('Redis: another database than 0', { timeout: 120_000 }, async () => {
  await control.call('ACL', 'LOG', 'RESET');
  await control.call('ACL', 'SETUSER', 'numbered', ...RULES, ...DATABASE_RULES);
  const url = await urlFor('numbered', rightsOf('carillon'));
  const carillon = await startCarillon({
    ...environment,
    AMQP_URL: url,
    REDIS_URL: `${redisUrl('numbered', 'secret')}/5`,
  });
  expect(await control.call('ACL', 'LOG')).toEqual([]);
  await carillon.stop();
});

test('Redis Cluster', { timeout: 120_000 }, async () => {
  const cluster = await startRedisCluster();
  for (const { control: node } of cluster.nodes) {
    await node.call('ACL', 'SETUSER', 'carillon', ...RULES, ...CLUSTER_RULES);
  }
  const url = await urlFor('clustered', rightsOf('carillon'));
  const REDIS_URL = cluster.url.replaceAll('redis://', 'redis://carillon:secret@');
  const carillon = await startCarillon({ ...environment, AMQP_URL: url, REDIS_URL });
  expect(carillon.output.filter((line) => /right_missing|_refused|NOPERM/.test(line))).toEqual([]);
  for (const { control: node } of cluster.nodes) expect(await node.call('ACL', 'LOG')).toEqual([]);
  await carillon.stop();
  await cluster.stop();
});
