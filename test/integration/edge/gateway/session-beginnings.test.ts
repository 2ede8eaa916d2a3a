/** What a session's beginning asks of Redis: not for what the gateway has in memory. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { RETRACTION_TYPE } from '../../../../src/contract/event.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { madeEvent } from '../../../support/producer.ts';
import { monitorRedis } from '../../../support/redis-monitor.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

let carillon: CarillonProcess;
let redisUrl: string;

beforeAll(async () => {
  redisUrl = await freshRedis();
  const AMQP_URL = await freshVhost();
  carillon = await startCarillon({ AMQP_URL, REDIS_URL: redisUrl, JWT_SECRET, CANARY_SECONDS: '0' });
});
afterAll(() => carillon?.stop());

async function enter(user: string) {
  const client = connectClient(carillon.url, await tokenFor(user, { departments: ['sales'] }));
  onTestFinished(() => client.close());
  const { unseen, unread } = await client.session();
  return { client, counts: { unseen, unread } };
}

async function publish(audience: string, event: object = {}): Promise<string> {
  const authorization = `Bearer ${await tokenFor('a-service', { scope: 'events:write' })}`;
  const id = randomUUID();
  const response = await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ ...madeEvent(id, { audience }), ...event }),
  });
  expect(response.status).toBe(202);
  return id;
}

test('the newest of shared logs is read for the first who has something unread there, and for nobody after', async () => {
  for (const user of ['ada', 'grace', 'linus']) (await enter(user)).client.close();
  const { client: watcher } = await enter('watcher');
  const [taken] = [
    await publish('department:sales'),
    await publish('department:sales'),
    await publish('global'),
    await publish('global'),
  ];
  await watcher.received(4);
  expect((await enter('ada')).counts).toEqual({ unseen: 4, unread: 4 });

  const commands: { readonly name: string; readonly key: string }[] = [];
  await monitorRedis(redisUrl, ([name = '', key = '']) => commands.push({ name: name.toUpperCase(), key }));
  expect((await enter('grace')).counts).toEqual({ unseen: 4, unread: 4 });
  await publish('department:sales', { type: RETRACTION_TYPE, data: { id: taken } });
  await watcher.received(5);
  const { client, counts } = await enter('linus');
  expect(counts).toEqual({ unseen: 3, unread: 3 });
  // Their marks were loaded: the monitor hears what scripts do.
  await until('the marks', 20_000, () => commands.filter(({ name }) => name === 'HGETALL').length >= 2);
  const isRead = ({ name, key }: (typeof commands)[number]) =>
    /^(?:XREVRANGE|ZRANGE)$/.test(name) && /\{(?:department:sales|global)\}/.test(key);
  expect(commands.filter(isRead)).toEqual([]);

  const page = await client.ask('inbox', {});
  expect(page).toMatchObject({ unread: 3, notifications: [{}, {}, {}] });
  await client.ask('mark', { as: 'read', all: true });
  client.close();
  expect((await enter('linus')).counts).toEqual({ unseen: 0, unread: 0 });
});
