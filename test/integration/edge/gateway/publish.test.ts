/** Users publish to topics over their sockets: what they may, who hears it, and that nothing is lost or doubled. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Client, connect } from '../../../../src/clients/client/connect.ts';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { connectClient, type TestClient } from '../../../support/client.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts';

let carillon: CarillonProcess;
let toRabbitMq: TcpProxy;
let closing: (() => void)[] = [];

beforeAll(async () => {
  const url = new URL(await freshVhost());
  toRabbitMq = await startTcpProxy(Number(url.port));
  url.port = String(toRabbitMq.port);
  const environment = { AMQP_URL: url.href, REDIS_URL: await freshRedis(), JWT_SECRET };
  carillon = await startCarillon({ ...environment, EVENT_MAX_BYTES: '4096' });
});
afterEach(() => {
  for (const close of closing) close();
  closing = [];
});
afterAll(async () => {
  await carillon.stop();
  await toRabbitMq.close();
});

const claims = { topics: ['chat.*'], publish: ['chat.*'] };

async function chatter(user: string, own: object = claims): Promise<TestClient> {
  const client = connectClient(carillon.url, await tokenFor(user, { ...own }));
  closing.push(() => client.close());
  await client.session();
  return client;
}

const message = (body: string, own: object = {}) => ({
  topic: 'chat.1',
  type: 'chat.message',
  data: { body },
  ...own,
});

test('whoever is in the topic gets it, with the name of who wrote it', async () => {
  const [ada, bob] = await Promise.all([chatter('ada'), chatter('bob')]);
  await bob.ask('subscribe', { topic: 'chat.1' });
  expect(await ada.ask('publish', message('hello', { id: 'm1' }))).toEqual({ id: 'm1' });
  expect(await bob.received(1)).toMatchObject([
    { id: 'm1', source: '/users/ada', audience: 'topic:chat.1', data: { body: 'hello' } },
  ]);
});

test('the same id again is delivered once, and is another event of another user', async () => {
  const [ada, bob] = await Promise.all([chatter('ada'), chatter('bob')]);
  await bob.ask('subscribe', { topic: 'chat.2' });
  const same = message('hello', { topic: 'chat.2', id: 'same' });
  await ada.ask('publish', same);
  await ada.ask('publish', same);
  await bob.ask('publish', same);
  await ada.ask('publish', message('last', { topic: 'chat.2', id: 'last' }));
  const received = await bob.received(3);
  expect(received.map(({ source, id }) => `${source} ${id}`)).toEqual([
    '/users/ada same',
    '/users/bob same',
    '/users/ada last',
  ]);
});

test.for<[string, object, string, RegExp]>([
  ['a topic that the token does not allow', { topic: 'news' }, 'forbidden', /topic "news"/],
  ['no topic', { topic: undefined }, 'bad_request', /topic/],
  ['a topic that cannot be', { topic: 'a}b' }, 'bad_request', /topic/],
  ['data that is no object', { data: 'hello' }, 'bad_request', /data must be a JSON object/],
  ['a type with spaces', { type: 'chat message' }, 'bad_request', /type/],
  ['a type of our own', { type: 'carillon.x' }, 'bad_request', /type .*carillon/],
  ["another's source", { type: 'carillon.retract', data: { id: 'a', source: '/x' } }, 'bad_request', /own/],
  ['too much', { data: { body: 'x'.repeat(5_000) } }, 'bad_request', /bytes are more than 4096/],
])('%s is refused, and the socket lives', async ([, own, code, why]) => {
  const ada = await chatter('ada');
  expect(await ada.ask('publish', message('hello', own))).toEqual({
    error: { code, message: expect.stringMatching(why) },
  });
  expect(await ada.ask('ping', { seq: 1 })).toMatchObject({ seq: 1 });
});

test('a token without the claim may not publish at all', async () => {
  const reader = await chatter('rea', { topics: ['chat.*'] });
  expect(await reader.ask('publish', message('hello'))).toMatchObject({ error: { code: 'forbidden' } });
});

test('with RabbitMQ away it says so, and the client library sends again until it is there, once', async () => {
  const bob = await chatter('bob');
  await bob.ask('subscribe', { topic: 'chat.3' });
  const token = await tokenFor('ada', claims);
  const client: Client = connect({ url: carillon.url, token: () => token });
  closing.push(() => client.close());
  const told: string[] = [];
  client.on('notification', ({ id }) => told.push(id));
  await client.subscribe('chat.3');
  const ada = await chatter('ada');

  toRabbitMq.blackHole();
  toRabbitMq.cut();
  await expect.poll(() => isReady(carillon)).toBe(false);
  expect(await ada.ask('publish', message('lost?', { topic: 'chat.3' }))).toMatchObject({
    error: { code: 'unavailable' },
  });
  const published = client.publish('chat.3', { type: 'chat.message', data: { body: 'kept' } });
  toRabbitMq.heal();
  const id = await published;
  expect(await bob.received(1)).toMatchObject([{ id, data: { body: 'kept' } }]);
  await client.publish('chat.3', { type: 'chat.message', data: {}, id: 'last' });
  await expect.poll(() => told).toEqual([id, 'last']);
});
