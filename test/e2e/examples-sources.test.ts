/** The page about sources, as it stands there: an unchanged Python producer and a MassTransit message reach a client. */
import { spawnSync } from 'node:child_process';
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { connectClient } from '../support/client.ts';
import { fencedBlock } from '../support/fenced-blocks.ts';
import { startProgram } from '../support/program.ts';
import { findPythonWith } from '../support/programs.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';
import { temporaryFile } from '../support/temporary-file.ts';

const PAGE = 'docs/sources.md';
const CLI = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const PYTHON = findPythonWith('pika');

const json = fencedBlock(PAGE, 'yaml', 'shop.events');
const massTransit = fencedBlock(PAGE, 'yaml', 'Shop.Contracts:OrderShipped');
const file = temporaryFile('sources.yaml', `${json}\n${massTransit.replace('sources:\n', '')}\n`);

let amqpUrl: string;
let carillon: CarillonProcess;
beforeAll(async () => {
  const [amqp, redis] = await Promise.all([freshVhost(), freshRedis()]);
  amqpUrl = amqp;
  await withChannel(async (channel) => {
    await channel.assertExchange('shop.events', 'topic');
    await channel.assertExchange('Shop.Contracts:OrderShipped', 'fanout');
  });
  carillon = await startCarillon({ AMQP_URL: amqp, REDIS_URL: redis, JWT_SECRET, SOURCES_FILE: file });
});
afterAll(() => carillon?.stop());

async function withChannel(
  use: (channel: Awaited<ReturnType<typeof openChannel>>['channel']) => Promise<unknown>,
) {
  const { model, channel } = await openChannel();
  await use(channel);
  await channel.waitForConfirms();
  await model.close();
}

async function openChannel() {
  const model = await connect(amqpUrl);
  return { model, channel: await model.createConfirmChannel() };
}

async function client() {
  const one = connectClient(carillon.url, await tokenFor('42'));
  onTestFinished(() => one.close());
  await one.session();
  return one;
}

test('each example takes ten lines at most', () => {
  expect(json.trim().split('\n').length).toBeLessThanOrEqual(10);
  expect(massTransit.trim().split('\n').length).toBeLessThanOrEqual(10);
});

test.skipIf(PYTHON === undefined)('the producer in Python reaches a client with a title', async () => {
  const user = await client();
  const code = fencedBlock(PAGE, 'python', 'pika');
  const program = startProgram(PYTHON ?? '', [temporaryFile('shop.py', code)], { AMQP_URL: amqpUrl });
  onTestFinished(() => program.stop());
  expect([await program.end(), program.errors]).toEqual([0, []]);
  expect(await user.received(1)).toMatchObject([
    {
      id: '7d1c0b9e',
      source: '/shop',
      type: 'order.shipped',
      data: { title: 'Order A7', body: 'It is on its way to you.', order: { orderId: 'A7', customerId: 42 } },
    },
  ]);
});

test('a message as MassTransit publishes it reaches a client with a title', async () => {
  const user = await client();
  const messageId = '7c3d0000-5c4e-0015-2d7a-08dd0ebd1f4e';
  const message = {
    messageId,
    conversationId: '7c3d0000-5c4e-0015-3f11-08dd0ebd1f4e',
    sourceAddress: 'rabbitmq://localhost/web_Shop_bus_yyyyyn?temporary=true',
    destinationAddress: 'rabbitmq://localhost/Shop.Contracts:OrderShipped',
    messageType: ['urn:message:Shop.Contracts:OrderShipped'],
    message: { orderId: 'A8', customerId: 42 },
    sentTime: '2026-11-27T09:00:00.1234567Z',
    headers: {},
    host: { machineName: 'web', processName: 'Shop', massTransitVersion: '8.2.5.0' },
  };
  await withChannel(async (channel) =>
    channel.publish('Shop.Contracts:OrderShipped', '', Buffer.from(JSON.stringify(message)), {
      messageId,
      contentType: 'application/vnd.masstransit+json',
      headers: { 'Content-Type': 'application/vnd.masstransit+json', publishId: '1' },
    }),
  );
  expect(await user.received(1)).toMatchObject([
    {
      id: messageId,
      source: '/Shop.Contracts:OrderShipped',
      type: 'Shop.Contracts.OrderShipped',
      time: '2026-11-27T09:00:00.1234567Z',
      data: { title: 'Order A8 has shipped', order: { orderId: 'A8', customerId: 42 } },
    },
  ]);
});

function run(command: string, input = '') {
  const script = command
    .replaceAll('carillon ', `'${process.execPath}' '${CLI}' `)
    .replaceAll('sources.yaml', file);
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', input });
  return { status, stdout, stderr };
}

test('the command shows what would become of the message, and sends nothing', () => {
  const tried = run(fencedBlock(PAGE, 'sh', 'carillon sources try'));
  expect(tried).toMatchObject({ status: 0, stderr: '' });
  expect(tried.stdout).toContain('by  exchange shop.events');
  expect(tried.stdout).toContain('"source":"/shop"');
  expect(tried.stdout).toContain('"title":"Order A7"');
  expect(tried.stdout).toContain('for  user:42');
});

test.each(['README.md', 'README.zh.md'])('%s makes titles of plain JSON and of MassTransit', (page) => {
  const readme = temporaryFile('readme.yaml', fencedBlock(page, 'yaml', 'sources:'));
  const order = { orderId: 'A7', customerId: 42 };
  const tried = (options: string, input: unknown) =>
    run(`carillon sources try '${readme}' ${options}`, JSON.stringify(input)).stdout;
  const plain = tried('--exchange shop.events --key order.shipped', order);
  expect(plain).toContain('"title":"Order A7 is on its way"');
  expect(plain).toContain('for  user:42');
  const enveloped = {
    messageId: '1',
    messageType: ['urn:message:Shop.Contracts:OrderShipped'],
    message: order,
  };
  const massTransited = tried(
    '--exchange Shop.Contracts:OrderShipped --property contentType=application/vnd.masstransit+json',
    enveloped,
  );
  expect(massTransited).toContain('"type":"Shop.Contracts.OrderShipped"');
  expect(massTransited).toContain('"title":"Order A7 has shipped"');
  expect(massTransited).toContain('for  user:42');
});

test('the command names faults with their field, and what a message described as a whole becomes', () => {
  const key = '--exchange shop.events --key order.made';
  expect(run(`carillon sources try sources.yaml ${key}`, '{"orderId":1}')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /exchange shop\.events: audience: .*needs data\.customerId \(invalid_event\)/,
    ),
  });
  expect(run('carillon sources try sources.yaml --exchange other', '{}')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('(no_source)'),
  });
  expect(run('carillon sources try sources.yaml', '{}')).toMatchObject({ status: 2 });
  expect(run('carillon sources try nowhere.yaml', '{}')).toMatchObject({ status: 2 });
  const described = {
    exchange: 'shop.events',
    routingKey: 'order.made',
    properties: { messageId: 'm1', timestamp: 1_795_770_000 },
    body: { orderId: 'A9', customerId: 7 },
  };
  const { status, stdout } = run('carillon sources try sources.yaml --json', JSON.stringify(described));
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    source: 'exchange shop.events',
    event: { id: 'm1', time: '2026-11-27T09:00:00.000Z', data: { title: 'Order A9' } },
    audiences: [{ audience: 'user:7' }],
  });
  expect(run('carillon sources check sources.yaml')).toEqual({
    status: 0,
    stdout: 'exchange shop.events\nexchange Shop.Contracts:OrderShipped\n',
    stderr: '',
  });
  const wrong = temporaryFile('wrong.yaml', 'sources:\n  - exchange: a\n    keys: ["order*"]\n');
  expect(run(`carillon sources check ${wrong}`)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('wrong.yaml:3: sources[0].keys[0] is no key pattern'),
  });
});
