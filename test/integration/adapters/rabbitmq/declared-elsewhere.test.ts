/**
 * AMQP_DECLARE=false: somebody else declares what `carillon topology` prints, and a user with exactly the printed rights
 * runs the whole program.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'amqplib';
import { pino } from 'pino';
import { beforeAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { Publisher } from '../../../../src/adapters/rabbitmq/publisher.ts';
import { amqpAddressOf } from '../../../../src/config/amqp-address.ts';
import { RabbitMqDeadLetterStore } from '../../../../src/operate/dead-letters/rabbitmq-dead-letter-store.ts';
import { rabbitmqctl } from '../../../faults/rabbitmqctl.ts';
import { admin } from '../../../support/admin.ts';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  partsOf,
  spawnCarillon,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { cli } from '../../../support/cli.ts';
import { connectClient } from '../../../support/client.ts';
import { complaints, doctor } from '../../../support/doctor.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { amqpUrl } from '../../../support/rabbitmq.ts';
import { freshName, freshRedis, sharedManagement } from '../../../support/servers.ts';
import { SignalListener } from '../../../support/signal-listener.ts';
import { temporaryFile } from '../../../support/temporary-file.ts';
import { until } from '../../../support/until.ts';

const WAIT_MS = 60_000;

const SOURCES = `
sources:
  - exchange: shop.events
    keys: [order.*, refund.#]
    event: { audience: "user:{data.customer}" }
  - queue: crm (eu) [a|b]
    event: { audience: "user:{data.customer}" }
`;

const rightsSchema = z.object({
  AMQP_DECLARE: z.boolean(),
  vhost: z.string(),
  user: z.string(),
  configure: z.string(),
  write: z.string(),
  read: z.string(),
});

const rabbitMq = inject('rabbitMq');
const management = sharedManagement();
let common: Record<string, string>;

beforeAll(async () => {
  const SOURCES_FILE = temporaryFile('sources.yaml', SOURCES);
  common = { REDIS_URL: await freshRedis(), JWT_SECRET, SOURCES_FILE, AMQP_DECLARE: 'false' };
});

const urlOf = (user: string, vhost: string) =>
  `amqp://${encodeURIComponent(user)}:secret@127.0.0.1:${rabbitMq.port}/${encodeURIComponent(vhost)}`;

const urlIn = (vhost: string) => amqpUrl(rabbitMq.port, vhost);

/** A virtual host with other services' exchange and queue, and a user with the printed rights, named alike. */
async function prepared(
  vhost: string,
  declares: boolean,
  partitions: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  await management.createVhost(vhost);
  const model = await connect(urlIn(vhost));
  const channel = await model.createChannel();
  await channel.assertExchange('shop.events', 'topic', { durable: true });
  await channel.assertQueue('crm (eu) [a|b]', { durable: true });
  await model.close();
  const environment = { ...common, ...partitions, AMQP_URL: urlOf(vhost, vhost) };
  const { out, err } = await cli(['topology', '--permissions', '--json'], environment);
  expect(err).toBe('');
  const printed = out
    .trim()
    .split('\n')
    .map((line) => rightsSchema.parse(JSON.parse(line)));
  const { user, configure, write, read } = rightsSchema.parse(
    printed.find(({ AMQP_DECLARE }) => AMQP_DECLARE === declares),
  );
  expect(user).toBe(vhost);
  await management.put(`users/${encodeURIComponent(user)}`, { password: 'secret', tags: '' });
  const place = [vhost, user].map(encodeURIComponent).join('/');
  await management.put(`permissions/${place}`, { configure, write, read });
  return environment;
}

/** By the command, as the page tells, or over HTTP. */
async function imported(environment: Record<string, string>, by: 'command' | 'http' = 'http'): Promise<void> {
  const { out, err } = await cli(['topology'], environment);
  expect(err).toBe('');
  // There is no such command beside a RabbitMQ in Docker.
  if (by === 'command' && rabbitMq.isLocal)
    await rabbitmqctl(rabbitMq, 'import_definitions', temporaryFile('carillon.json', out));
  else await management.post('definitions', JSON.parse(out));
}

const isSaid = (carillon: CarillonProcess, part: string, words: RegExp) =>
  until(`health to say ${words} of ${part}`, WAIT_MS, async () =>
    words.test((await partsOf(carillon))[part]?.reason ?? ''),
  );

test('what is missing is waited for and named; then the whole program runs with the printed rights', {
  timeout: 240_000,
}, async () => {
  const vhost = freshName('läger/süd');
  const environment = await prepared(vhost, false);
  const all = { ...environment, UNREACHED_AFTER: '1', CANARY_SECONDS: '1' };
  const carillon = await spawnCarillon(all);
  for (const part of ['rabbitmq', 'consumer'])
    await isSaid(carillon, part, /^topology_missing: missing: exchange carillon\.events,.*carillon topology/);
  await until('the log to name it', WAIT_MS, () =>
    carillon.output.some((line) => /"level":"error".*"code":"topology_missing"/.test(line)),
  );
  // Another's queue alone: nothing was declared.
  expect((await management.queues(vhost)).map(({ name }) => name)).toEqual(['crm (eu) [a|b]']);

  await imported(environment, 'command');
  await until('readiness', WAIT_MS, () => isReady(carillon));
  const listener = await SignalListener.open(urlIn(vhost), 'carillon.notification.unreached');
  const producer = new Producer(urlIn(vhost));
  const ada = connectClient(carillon.url, await tokenFor('ada'));
  await ada.session();
  await producer.publish(
    madeEvent('direct', { audience: 'user:ada' }),
    madeEvent('away', { audience: 'user:bob' }),
    madeEvent('nobody'),
  );
  await ada.received(1);
  const shop = await connect(urlIn(vhost));
  const channel = await shop.createConfirmChannel();
  const body = Buffer.from(JSON.stringify({ customer: 'ada' }));
  channel.publish('shop.events', 'refund.made', body, { messageId: 'by-exchange' });
  await channel.waitForConfirms();
  await ada.received(2);
  channel.sendToQueue('crm (eu) [a|b]', body, { messageId: 'by-queue', type: 'crm.called' });
  await ada.received(3);
  expect(ada.notifications.map(({ id }) => id)).toEqual(['direct', 'by-exchange', 'by-queue']);
  await listener.heard('bob');
  await until('the dead letter', WAIT_MS, async () =>
    JSON.stringify((await admin(carillon, 'GET', 'dead-letters')).answer).includes('no_audience'),
  );
  expect((await admin(carillon, 'POST', 'dead-letters/redrive', { body: {} })).status).toBe(200);
  expect((await complaints(all)).filter((text) => !text.startsWith('redis'))).toEqual([]);
  const { of } = await doctor(environment);
  expect(of('rabbitmq topology')).toMatchObject({ verdict: 'ok', found: /AMQP_DECLARE=false/ });
  expect(carillon.output.filter((line) => /right_missing|_refused|ACCESS_REFUSED/.test(line))).toEqual([]);

  // Somebody takes something away: it is named, and nobody declares it.
  await management.delete(`queues/${encodeURIComponent(vhost)}/carillon.unreached.delay`);
  await isSaid(carillon, 'topology', /^missing: queue carillon\.unreached\.delay/);
  await imported(environment);
  await until('readiness', WAIT_MS, () => isReady(carillon));
  await management.delete(`bindings/${encodeURIComponent(vhost)}/e/carillon.events/q/carillon.deliver/%23`);
  await isSaid(carillon, 'topology', /^missing: a binding/);
  ada.close();
  await Promise.all([shop.close(), producer.close(), listener.close()]);
  await carillon.stop();
});

test('partitions too are imported and not declared, and wait for the end of a change', {
  timeout: 240_000,
}, async () => {
  const PARTITIONS = { PARTITIONS: '3', PARTITION_BY: 'key' };
  const vhost = freshName('spread');
  const environment = await prepared(vhost, false, PARTITIONS);
  await imported({ ...environment, PARTITIONS: '1' });
  const model = await connect(urlIn(vhost));
  const channel = await model.createChannel();
  await channel.assertExchange('carillon.partitions.gathering', 'fanout', { durable: true });
  const carillon = await spawnCarillon({ ...environment, CANARY_SECONDS: '1' });
  await isSaid(carillon, 'consumer', /^topology_missing: missing: .*exchange carillon\.partitions\.3\.key/);
  await imported(environment);
  await isSaid(carillon, 'consumer', /^topology_missing: missing: the end of a change of partitions/);
  await channel.deleteExchange('carillon.partitions.gathering');
  await until('readiness', WAIT_MS, () => isReady(carillon));
  const producer = new Producer(urlIn(vhost));
  const ada = connectClient(carillon.url, await tokenFor('ada'));
  await ada.session();
  for (const id of ['one', 'two', 'three']) await producer.publish(madeEvent(id, { audience: 'user:ada' }));
  await ada.received(3);
  expect((await complaints(environment)).filter((text) => !text.startsWith('redis'))).toEqual([]);
  const { of } = await doctor({ ...environment, PARTITIONS: '2' });
  expect(of('rabbitmq partitions')).toMatchObject({
    verdict: 'advice',
    found: 'RabbitMQ has 3 partitions, and PARTITIONS is 2',
    change: expect.stringContaining('set PARTITIONS=3'),
  });
  expect(
    (await doctor({ ...environment, PARTITION_BY: 'routing-key' })).of('rabbitmq topology'),
  ).toMatchObject({
    verdict: 'wrong',
    found: expect.stringContaining('exchange carillon.partitions.3.routing-key'),
  });
  expect(carillon.output.filter((line) => /right_missing|_refused|ACCESS_REFUSED/.test(line))).toEqual([]);
  ada.close();
  await Promise.all([model.close(), producer.close()]);
  await carillon.stop();
});

test.each([
  ['declared', {}],
  ['declared by key', { PARTITIONS: '3' }],
  ['declared by routing key', { PARTITIONS: '2', PARTITION_BY: 'routing-key' }],
])(
  'what is printed is what a process has %s, and the printed rights are enough for it',
  {
    timeout: 180_000,
  },
  async (how, partitions) => {
    const vhost = freshName(how);
    const environment = { ...(await prepared(vhost, true, partitions)), AMQP_DECLARE: 'true' };
    const carillon = await startCarillon(environment);
    await until('the sources', WAIT_MS, async () => (await partsOf(carillon)).sources?.reason === undefined);
    expect((await complaints(environment)).filter((text) => !text.startsWith('redis'))).toEqual([]);
    expect(carillon.output.filter((line) => /right_missing|_refused|ACCESS_REFUSED/.test(line))).toEqual([]);
    const partSchema = z.array(z.object({ name: z.string().optional() }).catchall(z.unknown()));
    const definitions = z.object({ exchanges: partSchema, queues: partSchema, bindings: partSchema });
    const exported = async () => {
      const all = definitions.parse(await management.get(`definitions/${encodeURIComponent(vhost)}`));
      return Object.values(all).map((part) => part.map((one) => JSON.stringify(one)).sort());
    };
    const before = await exported();
    await imported(environment);
    const [exchanges, queues, bindings] = await exported();
    const isLock = (text: string) => text.includes('"carillon.dead.lock"');
    expect(queues?.filter(isLock)).toHaveLength(1);
    expect([exchanges, queues?.filter((text) => !isLock(text)), bindings]).toEqual(before);
    await carillon.stop();
  },
);

test('the page has the rights that are printed', async () => {
  const page = readFileSync(new URL('../../../../docs/rabbitmq-and-redis.md', import.meta.url), 'utf8');
  const commandOf = (text: string, user: string) => {
    const [, rest = ''] = text.replaceAll(/\\\n\s*/g, '').split(`rabbitmqctl set_permissions -p / ${user} `);
    return rest.split('\n')[0]?.trim();
  };
  const environment = { AMQP_URL: 'amqps://a/?auth_mechanism=external,amqps://b' };
  const declaring = (await cli(['topology', '--permissions'], environment)).out;
  expect(commandOf(declaring, 'carillon')).toBe(commandOf(page, 'carillon'));
  const { out, err } = await cli(['topology', '--permissions', '--user', 'lean'], environment);
  expect(err).toBe('');
  const lean = out.split('# AMQP_DECLARE=false')[1] ?? '';
  expect(commandOf(lean, 'lean')).toBe(commandOf(page, 'lean'));
  expect(commandOf(page, 'lean')).toContain('dead\\.lock');
});

test('what cannot be printed is reported', async () => {
  const SOURCES_FILE = temporaryFile('sources.yaml', 'sources: [{ exchange: "" }]');
  const wrong = await cli(['topology'], { SOURCES_FILE });
  expect([wrong.exitCode, wrong.err]).toEqual([1, expect.stringContaining('sources.yaml')]);
  const missing = await cli(['topology'], { SOURCES_FILE: '/nowhere.yaml' });
  expect([missing.exitCode, missing.err]).toEqual([
    2,
    expect.stringContaining('/nowhere.yaml cannot be read'),
  ]);
  const url = await cli(['topology'], { AMQP_URL: 'amqp://u:hunter2@h/a/b' });
  expect([url.exitCode, url.err]).toEqual([2, expect.not.stringContaining('hunter2')]);
});

test('dead letters are in one hand at a time, whoever declares', { timeout: 120_000 }, async () => {
  const vhost = freshName('locked');
  await prepared(vhost, false);
  await imported({ ...common, AMQP_URL: urlOf(vhost, vhost) });
  const address = amqpAddressOf(urlIn(vhost));
  const publisher = new Publisher(pino({ level: 'silent' }), (clash) => expect.fail(clash.message));
  const [declaring, looking] = [true, false].map(
    (declares) => new RabbitMqDeadLetterStore({ ...address, declares }, publisher),
  );
  for (const [one, other] of [
    [declaring, looking],
    [looking, declaring],
    [looking, looking],
  ]) {
    const first = await one?.take();
    const order: string[] = [];
    const second = other?.take().then((lease) => {
      order.push('second');
      return lease;
    });
    // A turn of RabbitMQ's each, in which the other would have got it.
    for (let i = 0; i < 50; i += 1) await first?.next();
    order.push('first closes');
    await first?.close();
    await (await second)?.close();
    expect(order).toEqual(['first closes', 'second']);
  }
});
