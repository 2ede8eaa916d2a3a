/**
 * Routes and sources that change while events are on their way: none is lost, repeated or out of order, and each is read
 * and mapped by one file.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { deadLettersSchema } from '../../../src/contract/dead-letter.ts';
import type { Notification } from '../../../src/contract/notification.ts';
import { type CarillonProcess, partsOf, spawnCarillon, untilReady } from '../../support/carillon.ts';
import { changeFile, said } from '../../support/changed-files.ts';
import { Checker, flawless } from '../../support/checker.ts';
import { deadLetters } from '../../support/dead-letters.ts';
import { ownInstallation } from '../../support/own-installation.ts';
import { madeEvent, Producer } from '../../support/producer.ts';
import { queueDepth } from '../../support/queue-depth.ts';
import { scrape, sumOf } from '../../support/scrape.ts';
import { temporaryFile } from '../../support/temporary-file.ts';
import { until } from '../../support/until.ts';

const CHANGES = 10;
/** Before each change, so that some are on their way at any time. */
const EVENTS_PER_CHANGE = 40;

const installation = ownInstallation();

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
  const gateway = await installation.start({ ROLES: 'gateway', ROUTES_FILE, CANARY_SECONDS: '0' });
  const consumer = await installation.start({ ROLES: 'consumer', ROUTES_FILE });
  const ada = await installation.clientOf(gateway, 'ada');
  const checker = new Checker();
  const producer = new Producer(installation.servers.amqpUrl);
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
  await installation.servers.theirs.assertExchange('steady.events', 'fanout');
  await installation.servers.theirs.assertExchange('coming.events', 'fanout');
  for (const queue of ['steady.queue', 'coming.queue'])
    await installation.servers.theirs.assertQueue(queue, { durable: true });
  const SOURCES_FILE = temporaryFile('sources.yaml', sourcesOf(1));
  const carillon = await installation.start({ SOURCES_FILE, PREFETCH: '20' });
  await until('the sources', 20_000, async () => (await partsOf(carillon)).sources?.reason === undefined);
  const users = { exchange: 'eva', steady: 'stu', coming: 'cem' };
  const devices = {
    exchange: await installation.clientOf(carillon, users.exchange),
    steady: await installation.clientOf(carillon, users.steady),
    coming: await installation.clientOf(carillon, users.coming),
  };
  const checker = new Checker();
  const body = (user: string) => json({ id: checker.next(`user:${user}`).id, to: user });
  const publish = () => {
    installation.servers.theirs.publish('steady.events', '', body(users.exchange));
    installation.servers.theirs.sendToQueue('steady.queue', body(users.steady), { persistent: true });
    installation.servers.theirs.sendToQueue('coming.queue', body(users.coming), { persistent: true });
  };
  const published = () => checker.count(`user:${users.steady}`);
  let isChanging = true;
  const confirming = await installation.servers.model.createConfirmChannel();
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
  expect(await queueDepth(installation.servers.amqpUrl, 'coming.queue')).toBe(0);
  // Its file has no source for what was bound meanwhile, as after a restart.
  await changeFile(SOURCES_FILE, sourcesOf(1), [carillon]);
  installation.servers.theirs.publish('coming.events', '', body(users.coming));
  await until('the dead letter', 20_000, async () => {
    const { answer } = await deadLetters(carillon, '');
    return deadLettersSchema.parse(answer).deadLetters.some(({ reason }) => reason === 'no_source');
  });
});

test('SIGHUP during the start and during the stop', async () => {
  const ROUTES_FILE = temporaryFile('routes.yaml', routesOf(0));
  const carillon = await spawnCarillon({ ...installation.servers.common, ROUTES_FILE });
  installation.running.push(carillon);
  // Bit 0: the process handles signal 1.
  await until('the process to handle SIGHUP', 40_000, () => {
    const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${carillon.pid}/status`, 'utf8'))?.[1];
    return (BigInt(`0x${caught}`) & 1n) === 1n;
  });
  expect(said(carillon, '"msg":"started"')).toBe(0);
  carillon.signal('SIGHUP');
  await untilReady(carillon, 'after SIGHUP', 40_000);
  await until('the answer', 20_000, () => said(carillon, 'the file has not changed') === 1);
  const producer = new Producer(installation.servers.amqpUrl);
  const ida = await installation.clientOf(carillon, 'ida');
  await producer.publish(madeEvent('1', { type: 'order.made', data: { to: 'ida' } }));
  expect(await ida.received(1)).toMatchObject([{ id: '1', display: { title: 'Version 0' } }]);
  await producer.close();
  carillon.signal('SIGTERM');
  await until('the stop', 20_000, () => said(carillon, '"msg":"stopping"') === 1);
  for (let i = 0; i < 5; i += 1) carillon.signal('SIGHUP');
  expect(await carillon.exited).toBe(0);
});
