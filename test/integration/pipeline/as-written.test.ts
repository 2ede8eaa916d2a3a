/**
 * What a producer wrote arrives as it was written, on every way in and out: data to the byte, and never half a character,
 * whoever sent it and whenever it was stored.
 */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../support/carillon.ts';
import { deadLetter, deadLetterOf, deadLetters } from '../../support/dead-letters.ts';
import fc from '../../support/fast-check.ts';
import { madeEvent, Producer } from '../../support/producer.ts';
import { openRawSocket, openSession, type RawSocket } from '../../support/raw-socket.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { until } from '../../support/until.ts';
import { anyObjectText } from '../../unit/contract/json-texts.ts';

const NUMBERS =
  '{"orderId":1285704473650888702,"deep":[{"all":[1e400,-0,1.0,1E5,0.1000000000000000055511151231257827]}]}';
const TEXTS = [NUMBERS, ...fc.sample(anyObjectText, { numRuns: 20 })];
const CHAT = { topics: ['chat'], publish: ['chat'] };
const TIMEOUT_MS = 20_000;

const textOf = (id: string, audience: string, data: string) =>
  `{"specversion":"1.0","id":"${id}","source":"/x","type":"x.y","audience":"${audience}","data":${data}}`;

let amqpUrl: string;
let redisUrl: string;
let real: CarillonProcess;
let embedded: CarillonProcess;
let producer: Producer;

beforeAll(async () => {
  [amqpUrl, redisUrl] = await Promise.all([freshVhost(), freshRedis()]);
  [real, embedded] = await Promise.all([
    startCarillon({ AMQP_URL: amqpUrl, REDIS_URL: redisUrl, JWT_SECRET }),
    startCarillon({ JWT_SECRET }),
  ]);
  producer = new Producer(amqpUrl);
});
afterAll(async () => {
  await producer.close();
  await Promise.all([real.stop(), embedded.stop()]);
});

async function post({ url }: CarillonProcess, body: string, headers: Record<string, string>) {
  const authorization = `Bearer ${await tokenFor('shop', { scope: 'events:write' })}`;
  return await fetch(`${url}/v1/events`, { method: 'POST', headers: { authorization, ...headers }, body });
}

const overHttp = (carillon: CarillonProcess) => async (user: string) => {
  const third = Math.ceil(TEXTS.length / 3);
  const events = TEXTS.map((data, i) => textOf(`${i}`, `user:${user}`, data));
  for (const event of events.slice(0, third)) {
    const sent = await post(carillon, event, { 'content-type': 'application/cloudevents+json' });
    expect(sent.status).toBe(202);
  }
  for (const [i, data] of TEXTS.slice(third, 2 * third).entries()) {
    const ce = { 'ce-specversion': '1.0', 'ce-id': `b${i}`, 'ce-source': '/x', 'ce-type': 'x.y' };
    const headers = { ...ce, 'ce-audience': `user:${user}`, 'content-type': 'application/json' };
    expect((await post(carillon, ` ${data}\n`, headers)).status).toBe(202);
  }
  const batch = ` [ ${events.slice(2 * third).join(' , ')} ] `;
  const sent = await post(carillon, batch, { 'content-type': 'application/cloudevents-batch+json' });
  expect(sent.status).toBe(202);
};

async function overAmqp(user: string) {
  for (const [i, data] of TEXTS.entries()) {
    if (i % 2 === 0) await producer.publishRaw(Buffer.from(textOf(`${i}`, `user:${user}`, data)));
    else {
      const attributes = {
        specversion: '1.0',
        id: `${i}`,
        source: '/x',
        type: 'x.y',
        audience: `user:${user}`,
      };
      const headers = Object.fromEntries(
        Object.entries(attributes).map(([name, value]) => [`cloudEvents:${name}`, value]),
      );
      await producer.publishRaw(Buffer.from(data), { headers, contentType: 'application/json' });
    }
  }
}

const ways: [string, () => CarillonProcess, (user: string) => Promise<void>][] = [
  ['AMQP, inbox in Redis', () => real, overAmqp],
  ['HTTP, inbox in Redis', () => real, (user) => overHttp(real)(user)],
  ['HTTP, inbox in memory', () => embedded, (user) => overHttp(embedded)(user)],
];

/** Resolves with the answer's text. */
async function answerOf(socket: RawSocket, id: number, request: string, body: string): Promise<string> {
  socket.send(`42${id}["${request}",${body}]`);
  await socket.heard(`43${id}[`);
  return socket.received.find((packet) => packet.startsWith(`43${id}[`)) ?? '';
}

const countIn = (text: string, part: string) => text.split(part).length - 1;

/** Each as often as it was sent. */
function expectAll(text: string, behind: string) {
  for (const data of new Set(TEXTS)) {
    const sent = TEXTS.filter((other) => other === data).length;
    // With what stands before it: data may hold a `data` of its own.
    expect([data, countIn(text, `"severity":"info","data":${data}${behind}`)]).toEqual([data, sent]);
  }
}

describe.each(ways)('%s', (name, carillonOf, publish) => {
  test('data is the same to the byte: live, recovered, in the inbox over the socket and over HTTP', async () => {
    const carillon = carillonOf();
    const user = name.replaceAll(/\W/g, '');
    const token = await tokenFor(user);
    const socket = await openSession(carillon.url, token);
    await publish(user);
    const live = () => socket.received.filter((packet) => packet.startsWith('42["notification"'));
    await until('all of them', TIMEOUT_MS, () => live().length === TEXTS.length);
    expectAll(live().join('\n'), '}]');

    const epoch = /"epoch":"(\w+)"/.exec(live()[0] ?? '')?.[1];
    const cursors = `{"user:${user}":{"epoch":"${epoch}","offset":0}}`;
    expectAll(await answerOf(socket, 1, 'sync', `{"cursors":${cursors}}`), '}');
    expectAll(await answerOf(socket, 2, 'inbox', '{"limit":100}'), ',"seen":false');
    const other = await openRawSocket(carillon.url);
    other.send(`40{"token":"${token}","cursors":${cursors}}`);
    await other.heard('42["session"');
    expectAll(other.received.find((packet) => packet.startsWith('42["session"')) ?? '', '}');
    const headers = { authorization: `Bearer ${token}` };
    const page = await fetch(`${carillon.url}/v1/inbox?limit=100`, { headers });
    expectAll(await page.text(), ',"seen":false');
    socket.close();
    other.close();
  });
});

test('what a client publishes arrives as it was written, and never with half a character', async () => {
  for (const carillon of [real, embedded]) {
    const socket = await openSession(carillon.url, await tokenFor('ada', CHAT));
    await answerOf(socket, 1, 'subscribe', '{"topic":"chat"}');
    const broken = '{"title":"cut \\ud83d","\\udc00":-0}';
    const heard = () => socket.received.filter((packet) => packet.startsWith('42["notification"'));
    for (const [i, data] of [NUMBERS, broken].entries()) {
      const answer = await answerOf(socket, 2 + i, 'publish', `{"topic":"chat","type":"x","data":${data}}`);
      expect(answer).toContain('"id"');
      await until('it', TIMEOUT_MS, () => heard().length === i + 1);
      expect(heard()[i]).toContain(`"offset":${i + 1},`);
    }
    expect(heard()[0]).toContain(`"data":${NUMBERS}}]`);
    expect(heard()[1]).toContain('"data":{"title":"cut \\ufffd","\\ufffd":-0}}]');
    socket.close();
  }
});

test('what lies in Redis with half a character is served without, and lets everybody in', async () => {
  const redis = new Redis(redisUrl);
  const stored = (text: string) =>
    `{"id":"old","source":"/x","type":"x","time":"2026-11-20T09:00:00Z","subject":"${text}","audience":"user:old","epoch":"abc","offset":1,"severity":"info","data":{"title":"${text}"}}`;
  await redis.xadd(
    'carillon:{user:old}:log',
    '1-0',
    'n',
    stored('a\\ud83d'),
    'e',
    'abc',
    'at',
    Date.now(),
    'x',
    '',
  );
  await redis.hset('carillon:{user:old}:meta', { epoch: 'abc', head: 1, epochs: 'abc:1' });
  redis.disconnect();
  const token = await tokenFor('old');
  const socket = await openRawSocket(real.url);
  socket.send(`40{"token":"${token}","cursors":{"user:old":{"epoch":"abc","offset":0}}}`);
  await socket.heard('42["session"');
  const session = socket.received.find((packet) => packet.startsWith('42["session"'));
  expect(session).toContain(`[${stored('a\\ufffd').slice(0, -1)},"at":`);
  const page = await fetch(`${real.url}/v1/inbox`, { headers: { authorization: `Bearer ${token}` } });
  expect(await page.text()).toContain(stored('a\\ufffd').slice(0, -1));
  socket.close();
});

test('dead letters show it as it was written, and a redrive delivers it so', async () => {
  const event = textOf('dead', 'user:dead', NUMBERS);
  await deadLetter(amqpUrl, [
    { ...deadLetterOf(madeEvent('dead'), 'no_audience'), body: Buffer.from(event) },
  ]);
  const list = async (carillon: CarillonProcess) => JSON.stringify((await deadLetters(carillon, '')).answer);
  expect(await list(real)).toContain(JSON.stringify(event).slice(1, -1));
  const socket = await openSession(real.url, await tokenFor('dead'));
  await deadLetters(real, '/redrive', {});
  await socket.heard('42["notification"');
  expect(socket.received.find((packet) => packet.startsWith('42["notification"'))).toContain(
    `"data":${NUMBERS}}]`,
  );
  socket.close();
});
