/**
 * Routes and sources that change while events are on their way: none is lost, repeated or out of order, and each is read
 * and mapped by one file.
 */
import { readFileSync } from 'node:fs';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { deadLettersSchema } from '../../../src/contract/dead-letter.ts';
import type { Notification } from '../../../src/contract/notification.ts';
import {
  type CarillonProcess,
  JWT_SECRET,
  partsOf,
  spawnCarillon,
  startCarillon,
  tokenFor,
  untilReady,
} from '../../support/carillon.ts';
import { changeFile, said } from '../../support/changed-files.ts';
import { Checker, flawless } from '../../support/checker.ts';
import { connectClient, type TestClient } from '../../support/client.ts';
import { deadLetters } from '../../support/dead-letters.ts';
import { madeEvent, Producer } from '../../support/producer.ts';
import { queueDepth } from '../../support/queue-depth.ts';
import { scrape, sumOf } from '../../support/scrape.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { temporaryFile } from '../../support/temporary-file.ts';
import { until } from '../../support/until.ts';

const CHANGES = 10;
/** Before each change, so that some are on their way at any time. */
const EVENTS_PER_CHANGE = 40;

let amqpUrl: string;
let common: Record<string, string>;
let model: ChannelModel;
let theirs: Channel;
const running: CarillonProcess[] = [];
const clients: TestClient[] = [];

beforeAll(async () => {
  amqpUrl = await freshVhost();
  common = { AMQP_URL: amqpUrl, REDIS_URL: await freshRedis(), JWT_SECRET };
  model = await connect(amqpUrl);
  theirs = await model.createConfirmChannel();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(running.splice(0).map((one) => one.stop()));
});
afterAll(() => model.close());

async function start(environment: Readonly<Record<string, string>>): Promise<CarillonProcess> {
  const carillon = await startCarillon({ ...common, ...environment });
  running.push(carillon);
  return carillon;
}

async function clientOf(carillon: CarillonProcess, user: string): Promise<TestClient> {
  const client = connectClient(carillon.url, await tokenFor(user));
  clients.push(client);
  await client.session();
  return client;
}

const idsOf = (notifications: readonly Notification[]) => notifications.map(({ id }) => id);
const none = async (carillon: CarillonProcess) =>
  expect(deadLettersSchema.parse((await deadLetters(carillon, '')).answer).deadLetters).toEqual([]);

/** Each version maps the same type to the same user by other words, and says which it is. */
const routesOf = (version: number) => `
routes:
${'  - { type: other.*, audience: ["user:nobody"] }\n'.repeat(version)}
  - type: ${version % 2 === 0 ? 'order.*' : 'order.#'}
    audience: ["user:{data.${version % 2 === 0 ? 'to' : 'also'}}"]
    display: { title: "Version ${version}" }
`;

test('routes that change ten times under load', async () => {
  const ROUTES_FILE = temporaryFile('routes.yaml', routesOf(0));
  const gateway = await start({ ROLES: 'gateway', ROUTES_FILE, CANARY_SECONDS: '0' });
  const consumer = await start({ ROLES: 'consumer', ROUTES_FILE });
  const ada = await clientOf(gateway, 'ada');
  const checker = new Checker();
  const producer = new Producer(amqpUrl);
  const next = () => ({
    ...checker.next('user:ada', { type: 'order.made', data: { to: 'ada', also: 'ada' } }),
    audience: undefined,
  });
  let isChanging = true;
  const publishing = (async () => {
    while (isChanging) await producer.publish(next());
  })();
  for (let version = 1; version <= CHANGES; version += 1) {
    const count = checker.count('user:ada');
    await until('more events', 20_000, () => checker.count('user:ada') >= count + EVENTS_PER_CHANGE);
    // Now and then a faulty one comes between.
    if (version % 3 === 0)
      await changeFile(
        ROUTES_FILE,
        'routes: [{ type: order.* }]',
        [consumer, gateway],
        'config_not_reloaded',
      );
    await changeFile(ROUTES_FILE, routesOf(version), [consumer, gateway]);
  }
  isChanging = false;
  await publishing;
  await producer.publish(next());
  const received = await ada.received(checker.count('user:ada'));
  const seen = [{ audience: 'user:ada', ids: idsOf(received) }];
  expect(checker.judge(seen)).toEqual(flawless(received.length));
  const versions = received.map(({ display }) => Number(String(display?.title).replace('Version ', '')));
  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  expect(new Set(versions).size).toBe(CHANGES + 1);
  await none(gateway);
  expect(sumOf(await scrape(consumer), 'carillon_config_reloads_total', { result: 'taken' })).toBe(CHANGES);
  await producer.close();
});

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** The exchange and the first queue are always there; the second queue comes and goes. */
const sourcesOf = (version: number) => `
sources:
  - exchange: steady.events
    event: { id: "{body.id}", audience: "user:{body.to}", data: { version: ${version} } }
  - queue: steady.queue
    event: { id: "{body.id}", audience: "user:{body.to}", data: { version: ${version} } }
${
  version % 2 === 0
    ? `  - queue: coming.queue
    event: { id: "{body.id}", audience: "user:{body.to}", data: { version: ${version} } }
  - exchange: coming.events
    event: { id: "{body.id}", audience: "user:{body.to}", data: { version: ${version} } }
`
    : ''
}`;

test('sources that change ten times under load: queues come and go, and the others notice nothing', async () => {
  await theirs.assertExchange('steady.events', 'fanout');
  await theirs.assertExchange('coming.events', 'fanout');
  for (const queue of ['steady.queue', 'coming.queue']) await theirs.assertQueue(queue, { durable: true });
  const SOURCES_FILE = temporaryFile('sources.yaml', sourcesOf(1));
  const carillon = await start({ SOURCES_FILE, PREFETCH: '20' });
  await until('the sources', 20_000, async () => (await partsOf(carillon)).sources?.reason === undefined);
  const users = { exchange: 'eva', steady: 'stu', coming: 'cem' };
  const devices = {
    exchange: await clientOf(carillon, users.exchange),
    steady: await clientOf(carillon, users.steady),
    coming: await clientOf(carillon, users.coming),
  };
  const checker = new Checker();
  const body = (user: string) => json({ id: checker.next(`user:${user}`).id, to: user });
  const publish = () => {
    theirs.publish('steady.events', '', body(users.exchange));
    theirs.sendToQueue('steady.queue', body(users.steady), { persistent: true });
    theirs.sendToQueue('coming.queue', body(users.coming), { persistent: true });
  };
  const published = () => checker.count(`user:${users.steady}`);
  let isChanging = true;
  const confirming = await model.createConfirmChannel();
  const publishing = (async () => {
    while (isChanging) {
      publish();
      // A breath for RabbitMQ: this waits for the confirmation of an empty message.
      confirming.publish('', 'nowhere', Buffer.alloc(0));
      await confirming.waitForConfirms();
    }
  })();
  for (let version = 2; version <= CHANGES + 2; version += 1) {
    const count = published();
    await until('more messages', 20_000, () => published() >= count + EVENTS_PER_CHANGE);
    await changeFile(SOURCES_FILE, sourcesOf(version), [carillon]);
  }
  isChanging = false;
  await publishing;
  for (const [name, user] of Object.entries(users)) {
    const device = Object.entries(devices).find(([one]) => one === name)?.[1];
    const received = (await device?.received(checker.count(`user:${user}`))) ?? [];
    const seen = [{ audience: `user:${user}`, ids: idsOf(received) }];
    expect(checker.judge(seen), name).toEqual(flawless(received.length));
    const versions = received.map(({ data }) => Number(data?.version));
    expect(versions, name).toEqual(versions.toSorted((a, b) => a - b));
    expect(new Set(versions).size, name).toBeGreaterThan(CHANGES / 2 - 1);
  }
  await none(carillon);
  expect(await queueDepth(amqpUrl, 'coming.queue')).toBe(0);
  // Its file has no source for what was bound meanwhile, as after a restart.
  await changeFile(SOURCES_FILE, sourcesOf(1), [carillon]);
  theirs.publish('coming.events', '', body(users.coming));
  await until('the dead letter', 20_000, async () => {
    const { answer } = await deadLetters(carillon, '');
    return deadLettersSchema.parse(answer).deadLetters.some(({ reason }) => reason === 'no_source');
  });
});

test('SIGHUP during the start and during the stop', async () => {
  const ROUTES_FILE = temporaryFile('routes.yaml', routesOf(0));
  const carillon = await spawnCarillon({ ...common, ROUTES_FILE });
  running.push(carillon);
  // Bit 0: the process handles signal 1.
  await until('the process to handle SIGHUP', 40_000, () => {
    const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${carillon.pid}/status`, 'utf8'))?.[1];
    return (BigInt(`0x${caught}`) & 1n) === 1n;
  });
  expect(said(carillon, '"msg":"started"')).toBe(0);
  carillon.signal('SIGHUP');
  await untilReady(carillon, 'after SIGHUP', 40_000);
  await until('the answer', 20_000, () => said(carillon, 'the file has not changed') === 1);
  const producer = new Producer(amqpUrl);
  const ida = await clientOf(carillon, 'ida');
  await producer.publish(madeEvent('1', { type: 'order.made', data: { to: 'ida' } }));
  expect(await ida.received(1)).toMatchObject([{ id: '1', display: { title: 'Version 0' } }]);
  await producer.close();
  carillon.signal('SIGTERM');
  await until('the stop', 20_000, () => said(carillon, '"msg":"stopping"') === 1);
  for (let i = 0; i < 5; i += 1) carillon.signal('SIGHUP');
  expect(await carillon.exited).toBe(0);
});
