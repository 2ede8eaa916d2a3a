/** Sources against real servers: own exchanges and queues, what is missing, and dead letters that a mended file mends. */
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { deadLettersSchema, redriveResultSchema } from '../../../src/contract/dead-letter.ts';
import { healthSchema } from '../../../src/contract/health.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../support/carillon.ts';
import { connectClient } from '../../support/client.ts';
import { deadLetters } from '../../support/dead-letters.ts';
import { queueDepth } from '../../support/queue-depth.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { temporaryFile } from '../../support/temporary-file.ts';
import { until } from '../../support/until.ts';

let amqpUrl: string;
let redisUrl: string;
let model: ChannelModel;
let shop: Channel;
let running: CarillonProcess | undefined;

beforeAll(async () => {
  [amqpUrl, redisUrl] = await Promise.all([freshVhost(), freshRedis()]);
  model = await connect(amqpUrl);
  shop = await model.createConfirmChannel();
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
});
afterAll(() => model.close());

async function start(
  sources: string,
  extra: Readonly<Record<string, string>> = {},
): Promise<CarillonProcess> {
  const SOURCES_FILE = temporaryFile('sources.yaml', sources);
  running = await startCarillon({
    AMQP_URL: amqpUrl,
    REDIS_URL: redisUrl,
    JWT_SECRET,
    SOURCES_FILE,
    ...extra,
  });
  return running;
}

async function client(carillon: CarillonProcess, user: string) {
  const one = connectClient(carillon.url, await tokenFor(user));
  await one.session();
  return one;
}

/** What the health says of the sources. */
async function waitsFor(carillon: CarillonProcess): Promise<string> {
  const health = healthSchema.parse(await (await fetch(`${carillon.opsUrl}/health/ready`)).json());
  expect(health.status).toBe('ready');
  return health.parts?.sources?.reason ?? '';
}

const isConnected = (carillon: CarillonProcess) =>
  until('the sources to be connected', 20_000, async () => (await waitsFor(carillon)) === '');

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const list = async (carillon: CarillonProcess) =>
  deadLettersSchema.parse((await deadLetters(carillon, '')).answer).deadLetters;

test('an exchange that is there: its messages become events, and it stays as it is', async () => {
  await shop.assertExchange('shop.events', 'topic', { durable: false, autoDelete: false });
  const carillon = await start(`
sources:
  - exchange: shop.events
    keys: [order.*]
    event:
      audience: "user:{data.customerId}"
`);
  await isConnected(carillon);
  const ada = await client(carillon, 'ada');
  const options = {
    messageId: 'm1',
    appId: 'shop',
    timestamp: 1_795_770_000,
    contentType: 'application/json',
  };
  shop.publish('shop.events', 'order.shipped', json({ customerId: 'ada', order: 7 }), options);
  shop.publish('shop.events', 'order.shipped', json({ customerId: 'ada', order: 7 }), options);
  shop.publish('shop.events', 'stock.low', json({ customerId: 'ada' }), options);
  shop.publish('shop.events', 'order.paid', Buffer.from('{"customerId":"ada","n":12857044736508887020}'));
  const [first, second] = await ada.received(2);
  expect(first).toMatchObject({
    id: 'm1',
    source: '/shop',
    type: 'order.shipped',
    time: '2026-11-27T09:00:00.000Z',
    audience: 'user:ada',
    offset: 1,
    data: { customerId: 'ada', order: 7 },
  });
  expect(second).toMatchObject({
    id: expect.stringMatching(/^[\w-]{43}$/),
    source: '/shop.events',
    offset: 2,
  });
  ada.close();
  // It would be refused if it had been declared in another way.
  await shop.assertExchange('shop.events', 'topic', { durable: false, autoDelete: false });
});

test('a queue that is there is consumed as it is, in its order', async () => {
  const theirs = { durable: true, arguments: { 'x-max-priority': 3 } };
  await shop.assertQueue('legacy.notifications', theirs);
  const carillon = await start(
    'sources: [{ queue: legacy.notifications, event: { audience: "user:{body.to}" } }]',
    { PREFETCH: '10' },
  );
  const bob = await client(carillon, 'bob');
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  for (const i of numbers)
    shop.sendToQueue('legacy.notifications', json({ to: 'bob', i }), { type: 'legacy' });
  const received = await bob.received(100);
  expect(received.map(({ data }) => data)).toEqual(numbers.map((i) => ({ to: 'bob', i })));
  expect(received[0]).toMatchObject({ type: 'legacy', source: '/legacy.notifications' });
  expect(await queueDepth(amqpUrl, 'legacy.notifications')).toBe(0);
  await shop.assertQueue('legacy.notifications', theirs);
  bob.close();
});

test('what is missing is waited for and named, and everything else goes on', async () => {
  const carillon = await start(`
sources:
  - exchange: late.events
    event: { audience: "user:{data.to}" }
  - queue: late.queue
    event: { audience: "user:{data.to}" }
  - queue: late.stream
  - exchange: early.events
    event: { audience: "user:{data.to}" }
`);
  await shop.assertQueue('late.stream', { durable: true, arguments: { 'x-queue-type': 'stream' } });
  await expect
    .poll(() => waitsFor(carillon), { timeout: 60_000 })
    .toContain('queue late.stream: it is a stream');
  expect(await waitsFor(carillon)).toContain('exchange late.events: it does not exist');
  expect(await waitsFor(carillon)).toContain('queue late.queue: it does not exist');
  const metrics = await (await fetch(`${carillon.opsUrl}/metrics`)).text();
  expect(metrics).toContain('carillon_source_connected{source="exchange late.events"} 0');
  expect(
    carillon.output.filter((line) => line.includes('"source_unavailable"') && line.includes('late.queue')),
  ).toHaveLength(1);

  await shop.assertExchange('late.events', 'fanout');
  await shop.assertQueue('late.queue');
  await until(
    'both to be connected',
    20_000,
    async () => !/late\.(events|queue)/.test(await waitsFor(carillon)),
  );
  const eve = await client(carillon, 'eve');
  shop.publish('late.events', '', json({ to: 'eve' }), { type: 'late.made' });
  const [one] = await eve.received(1);
  expect(one).toMatchObject({ type: 'late.made', source: '/late.events' });
  shop.sendToQueue('late.queue', json({ to: 'eve' }), { type: 'late.taken' });
  expect((await eve.received(2))[1]).toMatchObject({ type: 'late.taken' });

  // Deleted and made again, each is found again.
  await shop.deleteQueue('late.queue');
  await shop.deleteExchange('late.events');
  await until('the queue to be missed', 20_000, async () => /late\.queue/.test(await waitsFor(carillon)));
  await shop.assertQueue('late.queue');
  await shop.assertExchange('late.events', 'fanout');
  await until(
    'both to be connected',
    20_000,
    async () => !/late\.(events|queue)/.test(await waitsFor(carillon)),
  );
  shop.sendToQueue('late.queue', json({ to: 'eve', again: true }), { type: 'late.again' });
  expect((await eve.received(3))[2]).toMatchObject({ type: 'late.again' });
  eve.close();
});

test('a queue that somebody else has for himself is named, and taken when it is free', async () => {
  const { queue: exclusive } = await shop.assertQueue('', { exclusive: true });
  await shop.assertQueue('held');
  const { consumerTag } = await shop.consume('held', () => {}, { exclusive: true });
  const carillon = await start(`
sources:
  - queue: ${exclusive}
  - queue: held
    event: { audience: "user:{data.to}" }
`);
  await until('both to be asked for', 20_000, async () =>
    /held: .*exclusive use/.test(await waitsFor(carillon)),
  );
  expect(await waitsFor(carillon)).toContain(`queue ${exclusive}: it is exclusive to another connection`);
  await shop.cancel(consumerTag);
  await until('the queue to be taken', 20_000, async () => !/held/.test(await waitsFor(carillon)));
  const gus = await client(carillon, 'gus');
  shop.sendToQueue('held', json({ to: 'gus' }));
  expect((await gus.received(1))[0]).toMatchObject({ type: 'held', source: '/held' });
  gus.close();
});

test('a mended file mends dead letters: they are read by their source as it stands now', async () => {
  await shop.assertExchange('bills', 'topic');
  await shop.assertQueue('bills.queue');
  const before = await start(`
sources:
  - exchange: bills
    event: { audience: "user:{data.customer}" }
  - queue: bills.queue
    event: { audience: "user:{data.customer}" }
`);
  await isConnected(before);
  const properties = {
    messageId: 'b1',
    appId: 'billing',
    timestamp: 1_795_770_000,
    headers: { tenant: 't1' },
  };
  shop.publish('bills', 'bill.made', json({ payer: 'cid', email: 'c@d' }), properties);
  shop.sendToQueue('bills.queue', json({ payer: 'cid' }), { ...properties, messageId: 'b2' });
  shop.publish('bills', 'bill.made', Buffer.from('no json'), { messageId: 'b3' });
  await until('the dead letters', 20_000, async () => (await list(before)).length === 3);
  const found = await list(before);
  expect(found.find(({ event }) => event === 'b1')).toMatchObject({
    reason: 'invalid_event',
    path: 'audience',
    type: 'bill.made',
    source: '/billing',
    headers: { routingKey: 'bill.made', exchange: 'bills' },
  });
  // What LOG_REDACT names is not shown.
  const body: { data: object } = JSON.parse(found.find(({ event }) => event === 'b1')?.body ?? '');
  expect(body.data).toEqual({ payer: 'cid', email: '[redacted]' });
  expect(found.find(({ event }) => event === 'b2')).toMatchObject({ headers: { queue: 'bills.queue' } });
  const dryRun = redriveResultSchema.parse((await deadLetters(before, '/redrive', { dryRun: true })).answer);
  expect(dryRun).toMatchObject({
    redrivable: 0,
    refused: expect.arrayContaining([expect.objectContaining({ code: 'invalid_event', count: 2 })]),
  });
  await before.stop();

  const after = await start(`
sources:
  - exchange: bills
    event: { audience: "user:{data.payer}", subject: "{headers.tenant}" }
  - queue: bills.queue
    event: { audience: "user:{data.payer}", subject: "{headers.tenant}" }
`);
  const cid = await client(after, 'cid');
  const result = redriveResultSchema.parse((await deadLetters(after, '/redrive', {})).answer);
  expect(result).toMatchObject({ redriven: 2, refused: [{ code: 'not_json', count: 1 }] });
  const received = await cid.received(2);
  expect(received.map(({ id }) => id).sort()).toEqual(['b1', 'b2']);
  for (const one of received)
    expect(one).toMatchObject({ source: '/billing', subject: 't1', time: '2026-11-27T09:00:00.000Z' });
  expect((await list(after)).map(({ reason }) => reason)).toEqual(['not_json']);
  cid.close();
});

test('what fits no source is a dead letter that says so, and an event once one fits', async () => {
  await shop.assertExchange('old.events', 'topic');
  const before = await start('sources: []');
  // As an earlier file had it, with other keys.
  await shop.bindQueue('carillon.deliver', 'old.events', 'old.#');
  const count = (await list(before)).length;
  const forged = { 'x-carillon-exchange': 'bills', 'x-carillon-reason': 'made_up' };
  shop.publish('old.events', 'old.made', json({ to: 'dee' }), { headers: forged });
  await until('the dead letter', 20_000, async () => (await list(before)).length === count + 1);
  expect((await list(before)).find(({ reason }) => reason === 'no_source')).toMatchObject({
    detail: expect.stringContaining('exchange "old.events"'),
    headers: { exchange: 'old.events' },
  });
  await before.stop();
  const after = await start('sources: [{ exchange: old.events, event: { audience: "user:{data.to}" } }]');
  const dee = await client(after, 'dee');
  await deadLetters(after, '/redrive', { reason: 'no_source' });
  expect((await dee.received(1))[0]).toMatchObject({ type: 'old.made', data: { to: 'dee' } });
  dee.close();
});
