/**
 * Users of RabbitMQ and Redis with exactly the rights that docs/rabbitmq-and-redis.md lists run the whole program. Each
 * right in RabbitMQ that is missing is named by one line in the log and by health.
 */
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Publisher } from '../../../../src/adapters/rabbitmq/publisher.ts';
import { commandsOf } from '../../../../src/cli/doctor-redis-rights.ts';
import { amqpAddressOf } from '../../../../src/config/amqp-address.ts';
import { admin } from '../../../support/admin.ts';
import { isReady, JWT_SECRET, spawnCarillon, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { cli } from '../../../support/cli.ts';
import { connectClient } from '../../../support/client.ts';
import { complaints, doctor } from '../../../support/doctor.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { amqpUrl } from '../../../support/rabbitmq.ts';
import { type RedisServer, startRedis } from '../../../support/redis.ts';
import { createUser, expectNamed, permit, RULES, rightsOf, urlFor, urlOf } from '../../../support/rights.ts';
import { freshName, sharedManagement } from '../../../support/servers.ts';
import { SignalListener } from '../../../support/signal-listener.ts';
import { until } from '../../../support/until.ts';

const { port } = inject('rabbitMq');
const management = sharedManagement();
/** Virtual hosts, and the users in them. */
const [whole, shop] = [freshName('whole'), freshName('shop')];
let redis: RedisServer;
let control: Redis;
/** With rights, of a virtual host of its own. */
let environment: Record<string, string>;

beforeAll(async () => {
  redis = await startRedis({ persistent: true });
  control = new Redis(redis.url);
  await control.call('ACL', 'SETUSER', 'carillon', ...RULES);
  environment = {
    AMQP_URL: await urlFor(whole, rightsOf('carillon')),
    REDIS_URL: redis.url.replace('redis://', 'redis://carillon:secret@'),
    JWT_SECRET,
  };
});
afterAll(async () => {
  control.disconnect();
  await redis.stop();
});

test('the whole program runs with what is documented, and with nothing less', {
  timeout: 120_000,
}, async () => {
  await control.call('ACL', 'LOG', 'RESET');
  const all = { ...environment, UNREACHED_AFTER: '1', CONSOLE: 'true', FEED_CHECK_SECONDS: '1' };
  const consumer = await startCarillon({ ...all, ROLES: 'gateway,consumer' });
  const gateway = await startCarillon({ ...all, ROLES: 'gateway' });
  const listener = await SignalListener.open(amqpUrl(port, whole), 'carillon.notification.unreached');
  await createUser(shop);
  await permit(shop, rightsOf('shop'), whole);
  const producer = new Producer(urlOf(shop, 'secret', whole));

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
    AMQP_URL: urlOf(shop, 'secret', whole),
  });
  expect(sent.err).toBe('');
  expect(await complaints({ ...all, CARILLON_OPS_URL: gateway.opsUrl })).toEqual([]);

  for (const carillon of [consumer, gateway]) {
    await expect.poll(() => isReady(carillon)).toBe(true);
    expect(
      carillon.output.filter((line) => /right_missing|_refused|ACCESS_REFUSED|NOPERM/.test(line)),
    ).toEqual([]);
  }
  expect(await control.call('ACL', 'LOG')).toEqual([]);
  // What the doctor asks the rights of is all that a running service sends.
  const asked = commandsOf({ database: 0, isCluster: false, leastReplicas: 0 }).flatMap(
    ([name = '', second]) => [name, `${name}|${second}`].map((command) => command.toLowerCase()),
  );
  const statistics = await control.info('commandstats');
  const commands = Array.from(statistics.matchAll(/^cmdstat_([^:]+):/gm), ([, command = '']) => command);
  expect(commands).toContain('xadd');
  const ofControl = /^(acl\||config\||client\||hello|auth$)/;
  expect(commands.filter((command) => !ofControl.test(command) && !asked.includes(command))).toEqual([]);
  ada.close();
  await Promise.all([producer.close(), listener.close()]);
  await Promise.all([consumer.stop(), gateway.stop()]);
});

test('RabbitMQ: a wrong password, an unknown virtual host, one without permissions', {
  timeout: 180_000,
}, async () => {
  const [closed, nowhere] = [freshName('closed'), freshName('nowhere')];
  await management.createVhost(closed);
  const cases = [
    [urlOf(whole, 'wrong', whole), 'rabbitmq_login_refused', `user "${whole}"`],
    [urlOf(whole, 'secret', nowhere), 'rabbitmq_vhost_refused', `virtual host "${nowhere}"`],
    [urlOf(whole, 'secret', closed), 'rabbitmq_vhost_refused', `virtual host "${closed}"`],
  ] as const;
  for (const [AMQP_URL, code, what] of cases) {
    const carillon = await spawnCarillon({ ...environment, AMQP_URL });
    for (const part of ['rabbitmq', 'consumer']) await expectNamed(carillon, part, code, new RegExp(what));
    expect(carillon.output.join('')).not.toContain('ConnectionOpenOk');
    const { of } = await doctor({ ...environment, AMQP_URL });
    const remedy =
      code === 'rabbitmq_login_refused' ? 'rabbitmqctl change_password' : 'rabbitmqctl add_vhost';
    expect(of('rabbitmq')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining(what),
      change: expect.stringContaining(remedy),
    });
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
  for (const { kind, name } of missing) {
    // Asked for only when an operator looks at dead letters.
    if (name === 'dead.lock') continue;
    const without = `^carillon\\.(?!${name.replace('.', '\\.')}$).*$`;
    // What exists already is not asked about in full.
    const rights = kinds.map((one) => (one === kind ? without : '.*'));
    const user = freshName('lacking');
    const url = await urlFor(user, rights);
    const lines: string[] = [];
    const log = pino({}, { write: (line) => lines.push(line) });
    const publisher = new Publisher(log, (clash) => expect.fail(clash.message));
    await publisher.open(amqpAddressOf(url));
    const said = new RegExp(`^rabbitmq_right_missing: .*"${user}".* ${kind}.* "carillon\\.${name}"`);
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
  const user = freshName('unread');
  const url = await urlFor(user, rightsOf('carillon'));
  const complete = await startCarillon({ ...environment, AMQP_URL: url });
  await complete.stop();
  await permit(user, ['.*', '.*', '^carillon\\.(?!deliver$).*$']);
  const carillon = await spawnCarillon({ ...environment, AMQP_URL: url });
  await expectNamed(carillon, 'consumer', 'rabbitmq_right_missing', /read queue "carillon\.deliver"/);
  await carillon.stop();
});

test('RabbitMQ: an operator who may not lock the dead letters gets that as the answer', async () => {
  const url = await urlFor(freshName('unlocked'), ['^carillon\\.(?!dead\\.lock$).*$', '.*', '.*']);
  const carillon = await startCarillon({ ...environment, AMQP_URL: url });
  const { status, answer } = await admin(carillon, 'GET', 'dead-letters');
  expect([status, JSON.stringify(answer)]).toEqual([503, expect.stringContaining('carillon.dead.lock')]);
  await carillon.stop();
});

test('RabbitMQ: a right that is taken away closes no channel again and again', {
  timeout: 120_000,
}, async () => {
  const user = freshName('quiet');
  const url = await urlFor(user, rightsOf('carillon'));
  await permit(user, ['.*', '^carillon\\.(?!signals$).*$', '.*']);
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
