/**
 * A person who has used everything is exported and erased. All of Redis and all queues are looked through: what lies
 * anywhere of the person has to be in the inventory, and after the erasure nothing is left but what it says.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audienceOf } from '../../../../src/contract/audience.ts';
import { inboxPageSchema } from '../../../../src/contract/inbox.ts';
import { ITEMS } from '../../../../src/operate/personal-data/inventory.ts';
import { admin } from '../../../support/admin.ts';
import { tokenFor } from '../../../support/carillon.ts';
import { cli } from '../../../support/cli.ts';
import { connectClient, refusalOf, type TestClient } from '../../../support/client.ts';
import { everythingIn, everythingWaitingIn, type Trace } from '../../../support/person.ts';
import { madeEvent } from '../../../support/producer.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { vhostOf } from '../../../support/rabbitmq.ts';
import { type Stack, startStack } from '../../../support/stack.ts';
import { until } from '../../../support/until.ts';

const ADA = 'ada-lovelace';
const BOB = 'bob';
const MARKER = 'only-about-ada';

let stack: Stack;
const open: TestClient[] = [];
beforeAll(async () => {
  stack = await startStack({ FEED_CHECK_SECONDS: '1', UNREACHED_AFTER: '3600' });
});
afterAll(async () => {
  for (const client of open) client.close();
  await stack.stop();
});

const urlOf = (at: number) => stack.gateways[at]?.url ?? '';
const amqpUrl = () => stack.environment.AMQP_URL ?? '';

async function device(user: string, at: number, auth = {}, token?: string): Promise<TestClient> {
  const given = token ?? (await tokenFor(user, { departments: ['engines'], topics: ['*'], publish: ['*'] }));
  const client = connectClient(urlOf(at), given, { auth });
  open.push(client);
  await client.session();
  return client;
}

const about = (id: string, audience: unknown, more: Record<string, unknown> = {}) =>
  madeEvent(id, { audience, data: { title: MARKER }, ...more });

async function traces(): Promise<readonly Trace[]> {
  const all = [
    ...(await everythingIn(stack.redis.url)),
    ...(await everythingWaitingIn(amqpUrl(), vhostOf(amqpUrl()))),
  ];
  return all.filter(({ place, text }) => [ADA, MARKER].some((sign) => `${place} ${text}`.includes(sign)));
}

/** Which part of the inventory names the place; undefined: none. */
function partOf(place: string): string | undefined {
  return ITEMS.find(([, { keys, hashes, many, shared = [], queues = [] }]) => {
    const own = [...(keys?.(ADA) ?? []), ...(hashes?.(ADA) ?? []), ...queues];
    const patterns = [...shared, ...queues].map((name) => name.split('*'));
    return (
      own.includes(place) ||
      (many !== undefined && place.startsWith(many(ADA))) ||
      patterns.some(
        ([begin = '', end]) =>
          place.startsWith(begin) && (end === undefined ? place === begin : place.endsWith(end)),
      )
    );
  })?.[0];
}

async function inboxOf(user: string, token?: string) {
  const authorization = `Bearer ${token ?? (await tokenFor(user))}`;
  const response = await fetch(`${urlOf(0)}/v1/inbox`, { headers: { authorization } });
  return { status: response.status, answer: await response.json() };
}

async function eraseWhole(user: string): Promise<unknown> {
  let last: unknown;
  await until(`${user} to be erased`, 60_000, async () => {
    const { status, answer } = await admin(stack.consumer, 'DELETE', `users/${encodeURIComponent(user)}`);
    expect([200, 202]).toContain(status);
    last = answer;
    return status === 200;
  });
  return last;
}

const environment = async () => ({
  CARILLON_OPS_URL: stack.consumer.opsUrl,
  CARILLON_TOKEN: await tokenFor('officer', { scope: 'admin' }),
});

describe('a person who has used everything', () => {
  let phone: TestClient;
  let oldToken: string;
  let oldHead: { epoch: string; head: number } | undefined;
  let bobsInbox: unknown;

  beforeAll(async () => {
    oldToken = await tokenFor(ADA, { departments: ['engines'], topics: ['*'], publish: ['*'] });
    await admin(stack.consumer, 'PUT', `users/${ADA}/departments`, { body: { departments: ['engines'] } });
    // Nobody is connected: they wait to be checked.
    await stack.producer.publish(about('a1', [`user:${ADA}`]), about('a2', [`user:${ADA}`, `user:${BOB}`]));
    await stack.producer.publish(madeEvent('d1', { audience: ['department:engines'] }));
    await stack.producer.publish(
      madeEvent('g1', { audience: ['global'] }),
      madeEvent('b1', { audience: [`user:${BOB}`] }),
    );
    const laptop = await device(ADA, 1, { device: `laptop of ${ADA}` });
    await laptop.ask('inbox', {});
    laptop.close();
    phone = await device(ADA, 0, { device: `phone of ${ADA}` }, oldToken);
    await phone.ask('subscribe', { topic: 'chat' });
    await phone.ask('mark', { as: 'read', all: true });
    await stack.producer.publish(about('a3', [`user:${ADA}`], { collapsekey: 'k' }));
    await phone.received(1);
    await inboxOf(ADA, oldToken);
    const past = new Date(Date.now() - 1_000).toISOString();
    await stack.producer.publish(
      about('x1', [`user:${ADA}`], { expirytime: past }),
      about('x2', [`user:${ADA}`, `user:${BOB}`], { expirytime: past, data: { title: 'for two' } }),
      madeEvent('x3', { audience: [`user:${BOB}`], expirytime: past }),
    );
    await stack.producer.publishBinary(about('x4', `user:${ADA}`, { expirytime: past }));
    await stack.producer.publishRaw(Buffer.from(`{"audience":"user:${ADA}",`), {
      contentType: 'application/cloudevents+json',
    });
    await stack.producer.publishRaw(Buffer.from(JSON.stringify({ id: 'x5', audience: [`user:${ADA}`] })), {
      contentType: 'application/cloudevents+json',
    });
    await until('the dead letters', 20_000, async () => (await queueDepth(amqpUrl(), 'carillon.dead')) === 6);
    oldHead = (await phone.session()).audiences[`user:${ADA}`];
    bobsInbox = (await inboxOf(BOB)).answer;
  });

  test('leaves traces in no place that the inventory does not name', async () => {
    await expect
      .poll(async () => [...new Set((await traces()).map(({ place }) => partOf(place)))].toSorted())
      .toEqual(
        expect.arrayContaining([
          'checks',
          'commands',
          'deadLetters',
          'departments',
          'devices',
          'fetched',
          'inbox',
          'marks',
          'outcomes',
          'repeats',
          'sessions',
        ]),
      );
    const elsewhere = (await traces()).filter(({ place }) => partOf(place) === undefined);
    // An event that is for both is in the log of the other, too, and says there what it says.
    expect(elsewhere.map(({ place }) => place)).toEqual([`carillon:{user:${BOB}}:log`]);
  });

  test('is exported whole, as one document', async () => {
    const { exitCode, out, err } = await cli(['users', 'export', ADA], await environment());
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    const document = JSON.parse(out);
    expect(document).toMatchObject({
      user: ADA,
      inbox: [{ id: 'a3', data: { title: MARKER } }, { id: 'a2' }, { id: 'a1' }],
      departments: ['engines'],
      sessions: [{ device: `phone of ${ADA}` }],
      devices: [{ device: `laptop of ${ADA}` }],
      marks: { [`user:${ADA}`]: { read: [[1, 2]] } },
      areDeadLettersPartial: false,
    });
    expect(document.deadLetters).toHaveLength(5);
    expect(await admin(stack.consumer, 'GET', `users/${ADA}/export`)).toMatchObject({ status: 200 });
  });

  test('is told to go, and nothing is left; the others have what they had', async () => {
    const { exitCode, out } = await cli(['users', 'erase', ADA, '--yes'], await environment());
    expect({ exitCode, out }).toEqual({
      exitCode: 0,
      out: expect.stringContaining('4 discarded, 1 kept for others'),
    });
    expect(phone.goaways).toMatchObject([{ code: 'token_revoked', reconnect: false }]);
    const left = await traces();
    const isOf = (part: string) => left.filter(({ place }) => partOf(place) === part);
    // The revocation, and checks that are thrown away when they are due.
    expect(isOf('commands').map(({ text }) => text.match(/notBeforeMs/g))).toEqual([['notBeforeMs']]);
    expect([...new Set(left.map(({ place }) => place))].toSorted()).toEqual([
      `carillon.unreached.delay`,
      `carillon:{directives}:log`,
      `carillon:{user:${BOB}}:log`,
    ]);
    expect((await inboxOf(BOB)).answer).toEqual(bobsInbox);
    const dead = (await everythingWaitingIn(amqpUrl(), vhostOf(amqpUrl()))).filter(
      ({ place }) => place === 'carillon.dead',
    );
    expect(dead.map(({ text }) => /"id":"(x\d)"/.exec(text)?.[1]).toSorted()).toEqual(['x2', 'x3']);
    expect(dead.find(({ text }) => text.includes('for two'))?.text).toContain(`"audience":["user:${BOB}"]`);
  });

  test('is not let in with the old token, and begins anew with a new one: no place of before counts', async () => {
    const refused = connectClient(urlOf(1), oldToken);
    open.push(refused);
    expect(await refusalOf(refused)).toMatchObject({ data: { code: 'unauthorized' } });
    expect((await inboxOf(ADA, oldToken)).status).toBe(401);
    const cursors = { [`user:${ADA}`]: { epoch: oldHead?.epoch ?? '', offset: oldHead?.head ?? 0 } };
    const client = await device(ADA, 1, { device: 'new', cursors });
    expect((await client.session()).missed?.[`user:${ADA}`]).toMatchObject({
      recovered: false,
      notifications: [],
    });
    expect(
      inboxPageSchema.parse((await inboxOf(ADA)).answer).notifications.map(({ id }) => id),
    ).not.toContain('a1');
    await stack.producer.publish(madeEvent('n1', { audience: [`user:${ADA}`] }));
    const [first] = await client.received(1);
    expect(first).toMatchObject({ id: 'n1', offset: 1 });
    expect(first?.epoch).not.toBe(oldHead?.epoch);
    // Published before, and only now out of its queue.
    const waited = new Date(Date.now() - 3_600_000).toISOString();
    await stack.producer.publish(
      about('w1', [`user:${ADA}`, `user:${BOB}`], { time: waited }),
      about('w2', [`user:${ADA}`], { time: waited, expirytime: waited }),
      madeEvent('n2', { audience: [`user:${ADA}`] }),
    );
    expect((await client.received(2)).map(({ id }) => id)).toEqual(['n1', 'n2']);
    expect(await queueDepth(amqpUrl(), 'carillon.dead')).toBe(2);
    await expect
      .poll(async () => inboxPageSchema.parse((await inboxOf(BOB)).answer).notifications.map(({ id }) => id))
      .toContain('w1');
  });

  test('may be erased again, whatever the id', async () => {
    expect(await eraseWhole(ADA)).toMatchObject({
      user: ADA,
      isComplete: true,
      deadLetters: { discarded: 0, rewritten: 0 },
    });
    expect(await eraseWhole('nobody ever')).toMatchObject({ isComplete: true });
    const { status } = await admin(stack.consumer, 'DELETE', 'users?user=..');
    expect([200, 202]).toContain(status);
    const room = (await everythingIn(stack.redis.url)).map(({ place }) =>
      audienceOf(/\{.*\}/.exec(place)?.[0] ?? ''),
    );
    expect(room).not.toContain(`user:${ADA}`);
  });
});

test('an erasure needs a yes, and a token that may', async () => {
  expect(await cli(['users', 'erase', BOB], await environment())).toMatchObject({ exitCode: 2 });
  const token = await tokenFor(BOB);
  expect(await admin(stack.consumer, 'DELETE', `users/${BOB}`, { token })).toMatchObject({ status: 403 });
  expect(await admin(stack.consumer, 'GET', `users/${BOB}/export`, { token })).toMatchObject({ status: 403 });
  expect(await admin(stack.consumer, 'DELETE', 'users?user=a,b')).toMatchObject({ status: 400 });
  expect((await inboxOf(BOB)).status).toBe(200);
});
