/**
 * Secrets stay secret: one process with everything logged lives through connects, refusals, outages and its end, and
 * neither what it wrote nor what it answered holds a password, a key or a token.
 */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signToken } from '../../../../src/operate/access/tokens.ts';
import { type CarillonProcess, spawnCarillon, startCarillon } from '../../../support/carillon.ts';
import { connectClient, refusalOf } from '../../../support/client.ts';
import { vhostOf } from '../../../support/rabbitmq.ts';
import { type RedisServer, startRedis } from '../../../support/redis.ts';
import { freshVhost, sharedManagement } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const TIMEOUT_MS = 60_000;
/** With characters that a URL has to encode, so that either form would be found. */
const distinctive = (name: string) => `${name}!${randomBytes(9).toString('hex')}/%`;

const jwtSecret = `${distinctive('jwt-secret')}-of-more-than-32-characters`;
const redisPassword = distinctive('redis-password');
const amqpPassword = distinctive('amqp-password');
const amqpUser = `user-${randomBytes(6).toString('hex')}`;

/** What MUST NOT be found, by what it is. */
const secrets = new Map<string, string>([
  ['JWT_SECRET', jwtSecret],
  ['the password of Redis', redisPassword],
  ['the password of RabbitMQ', amqpPassword],
]);
/** All that the process said to anybody over HTTP. */
const answers: string[] = [];

let redis: RedisServer;
let vhost: string;
let carillon: CarillonProcess;

beforeAll(async () => {
  redis = await startRedis();
  await withRedis(undefined, (client) => client.config('SET', 'requirepass', redisPassword));
  const url = new URL(await freshVhost());
  vhost = encodeURIComponent(vhostOf(url.href));
  await sharedManagement().put(`users/${amqpUser}`, { password: amqpPassword, tags: '' });
  const everything = { configure: '.*', write: '.*', read: '.*' };
  await sharedManagement().put(`permissions/${vhost}/${amqpUser}`, everything);
  carillon = await startCarillon({
    AMQP_URL: `amqp://${amqpUser}:${encodeURIComponent(amqpPassword)}@${url.host}${url.pathname}`,
    REDIS_URL: `redis://:${encodeURIComponent(redisPassword)}@127.0.0.1:${redis.port}`,
    JWT_SECRET: jwtSecret,
    LOG_LEVEL: 'trace',
    LOG_SAMPLE_RATE: '1',
  });
});
afterAll(async () => {
  await carillon?.stop();
  await redis?.stop();
});

async function withRedis(
  password: string | undefined,
  run: (client: Redis) => Promise<unknown>,
): Promise<void> {
  const client = new Redis(redis.url, password === undefined ? {} : { password });
  try {
    await run(client);
  } finally {
    client.disconnect();
  }
}

/** A token that is on the list from now on, whole and in its parts. */
async function token(name: string, claims: Record<string, unknown>, secret = jwtSecret, seconds = 600) {
  const made = await signToken({ secret }, { jti: randomBytes(12).toString('hex'), ...claims }, seconds);
  const [, payload = '', signature = ''] = made.split('.');
  secrets.set(name, made).set(`the claims of ${name}`, payload).set(`the signature of ${name}`, signature);
  return made;
}

async function answerOf(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, init);
  const body = await response.clone().text();
  answers.push(`${JSON.stringify([...response.headers])}\n${body}`);
  return response;
}

const logged = (text: string) =>
  until(`"${text}" in the log`, TIMEOUT_MS, () => carillon.output.some((line) => line.includes(text)));

/** Every form in which a secret may have been written. */
const formsOf = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('base64'),
  Buffer.from(secret).toString('base64url'),
  Buffer.from(secret).toString('hex'),
];

function found(text: string): string[] {
  return [...secrets].flatMap(([name, secret]) =>
    formsOf(secret).some((form) => text.includes(form)) ? [name] : [],
  );
}

test('the search finds what it looks for', () => {
  expect(found(`amqp://u:${encodeURIComponent(amqpPassword)}@h`)).toEqual(['the password of RabbitMQ']);
  expect(found(`{"x":${JSON.stringify(jwtSecret)}}`)).toEqual(['JWT_SECRET']);
});

test('clients that get in, and those that do not', async () => {
  const good = await token('a good token', { sub: 'ada', topics: ['*'] });
  const fresh = await token('a fresh token', { sub: 'ada' });
  const bad = [
    await token('a token of another secret', { sub: 'ada' }, 'another-secret-of-more-than-32-characters'),
    await token('an expired token', { sub: 'ada' }, jwtSecret, -600),
    await token('a token with a bad claim', { sub: 'a}b' }),
  ];
  for (const transports of [['websocket'], ['polling']] as const) {
    const client = connectClient(carillon.url, good, { transports: [...transports] });
    await client.session();
    await client.ask('authenticate', { token: bad[0] });
    await client.ask('authenticate', { token: fresh });
    await client.ask('subscribe', { topic: good });
    await client.ask(good, { token: good });
    client.close();
    for (const one of bad) await refusalOf(connectClient(carillon.url, one, { transports: [...transports] }));
    const headers = { authorization: `Bearer ${bad[1]}`, cookie: `session=${good}` };
    await refusalOf(connectClient(carillon.url, undefined, { transports: [...transports], headers }));
  }
  await refusalOf(connectClient(carillon.url, good, { auth: { device: 7 } }));
  await refusalOf(connectClient(carillon.url, good, { headers: { origin: 'https://evil.example' } }));
});

test('requests that are answered, and those that are refused', async () => {
  const writer = await token('a token that may write', { sub: 'a-service', scope: 'events:write' });
  const reader = await token('a token that may read', { sub: 'ada' });
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't', audience: 'user:ada', data: {} };
  const authorizations = [writer, reader, `${writer}x`, 'nothing'].map((text) => `Bearer ${text}`);
  for (const authorization of [...authorizations, writer, `Basic ${writer}`]) {
    const headers = { authorization, 'content-type': 'application/cloudevents+json', cookie: `t=${reader}` };
    const post = (body: string) => answerOf(`${carillon.url}/v1/events`, { method: 'POST', headers, body });
    await post(JSON.stringify(event));
    await post(JSON.stringify({ ...event, audience: undefined }));
    await post('{');
    await answerOf(`${carillon.url}/v1/inbox`, { headers });
    await answerOf(`${carillon.url}/v1/inbox?limit=x`, { headers });
    await answerOf(`${carillon.url}/v1/inbox/marks`, { method: 'POST', headers, body: '{"as":"read"}' });
    await answerOf(`${carillon.url}/nowhere?access_token=${reader}`, { headers });
    await answerOf(`${carillon.url}/%zz?access_token=${reader}`, { headers });
    await answerOf(`${carillon.url}/socket.io/?EIO=4&transport=polling&token=${reader}`, { headers });
    await answerOf(`${carillon.opsUrl}/nowhere`, { headers });
  }
  expect((await answerOf(`${carillon.opsUrl}/metrics`)).status).toBe(200);
  await answerOf(`${carillon.url}/docs/json`);
  await answerOf(`${carillon.opsUrl}/health/ready`);
});

test('outages: connections that are cut, and passwords that are not good any more', async () => {
  const client = connectClient(carillon.url, await token('a token during the outage', { sub: 'bob' }));
  await client.session();
  await withRedis(redisPassword, async (admin) => {
    await admin.config('SET', 'requirepass', 'changed');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  });
  await logged('WRONGPASS');
  // RabbitMQ closes the user's connections by itself.
  await sharedManagement().delete(`users/${amqpUser}`);
  await logged('ACCESS_REFUSED');
  const writer = await token('a token that writes in vain', { sub: 'a-service', scope: 'events:write' });
  const headers = { authorization: `Bearer ${writer}`, 'content-type': 'application/cloudevents+json' };
  const body = JSON.stringify({ specversion: '1.0', id: '2', source: '/s', type: 't', audience: 'user:bob' });
  expect((await answerOf(`${carillon.url}/v1/events`, { method: 'POST', headers, body })).status).toBe(503);
  expect((await answerOf(`${carillon.url}/v1/inbox`, { headers })).status).toBe(503);
  expect((await answerOf(`${carillon.opsUrl}/health/ready`)).status).toBe(503);
  client.close();
});

test('a configuration with faults is not repeated', async () => {
  const faulty = await spawnCarillon({
    AMQP_URL: `amqp//${amqpUser}:${amqpPassword}@127.0.0.1`,
    REDIS_URL: `redis:/${redisPassword}@:x`,
    JWT_SECRET: jwtSecret.slice(0, 31),
    JWKS_URL: `ftp://${amqpPassword}@127.0.0.1`,
  });
  secrets.set('a JWT_SECRET that is too short', jwtSecret.slice(0, 31));
  expect(await faulty.exited).toBe(1);
  const text = faulty.output.join('\n');
  expect(text).toContain('the configuration has');
  expect(found(text)).toEqual([]);
});

test('to its end, nothing of it was written or answered', async () => {
  await carillon.stop();
  const text = carillon.output.join('\n');
  expect(text).toContain('"msg":"stopping"');
  expect(text).toContain('unauthorized');
  expect(answers.length).toBeGreaterThan(50);
  expect({ output: found(text), answers: found(answers.join('\n')) }).toEqual({ output: [], answers: [] });
});
