/** What a client missed, as it asks for it in the handshake, by sync and by subscribing; and fresh tokens. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { audienceSchema } from '../../../../src/contract/audience.ts';
import { missedByAudienceSchema } from '../../../../src/contract/recovery.ts';
import { tokenFor } from '../../../support/carillon.ts';
import { refusalOf } from '../../../support/client.ts';
import { expectRefused, freshUsers, shown, TIMEOUT_MS } from '../../../support/fresh-users.ts';
import { until } from '../../../support/until.ts';

const HUGE = Number.MAX_SAFE_INTEGER;
const ada = freshUsers();

describe('what was missed', () => {
  /** The place of the last notification that a client that leaves now has. */
  async function cursorOf(audience: string, back = 0) {
    const { audiences } = await (await ada.connect()).session();
    const { epoch = '', head = 0 } = audiences[audience] ?? {};
    return { epoch, offset: head - back };
  }

  test('comes with the session for the cursors of the handshake, and what is live right behind it', async () => {
    await ada.publish(ada.me, 'a');
    const [own, inSales] = [await cursorOf(ada.me), await cursorOf(ada.sales)];
    await ada.publish(ada.me, 'b', 'c');
    const foreign = { 'user:watcher': { ...own, offset: 0 }, 'topic:ticker.x': own, 'department:board': own };
    const client = await ada.connect({ cursors: { [ada.me]: own, [ada.sales]: inSales, ...foreign } });
    const session = await client.session();
    expect(session.missed).toEqual({
      [ada.me]: { epoch: own.epoch, head: 3, recovered: true, notifications: shown('b', 'c') },
      [ada.sales]: { epoch: '0', head: 0, recovered: true, notifications: [] },
    });
    await ada.publish(ada.me, 'd');
    expect(await client.received(1)).toEqual(shown('d'));
  });

  test('bears the marks that other devices have made meanwhile', async () => {
    await ada.publish(ada.me, 'a');
    const own = await cursorOf(ada.me);
    await ada.publish(ada.me, 'b', 'c', 'd');
    const laptop = await ada.connect();
    await laptop.ask('mark', { as: 'archived', upTo: { [ada.me]: 2 } });
    await laptop.ask('mark', { as: 'seen', upTo: { [ada.me]: 3 } });
    const marks = [
      { offset: 2, seen: true, read: true, archived: true },
      { offset: 3, seen: true, read: undefined, archived: undefined },
      { offset: 4, seen: undefined, read: undefined, archived: undefined },
    ];
    const client = await ada.connect({ cursors: { [ada.me]: own } });
    const session = await client.session();
    const flags = (one: object) => {
      const { offset, seen, read, archived }: Partial<Record<string, unknown>> = Object.assign({}, one);
      return { offset, seen, read, archived };
    };
    expect(session.missed?.[audienceSchema.parse(ada.me)]?.notifications.map(flags)).toEqual(marks);
    expect(session).toMatchObject({ unseen: 1, unread: 2, version: expect.any(Number) });
    const answer = await client.ask('sync', { cursors: { [ada.me]: own } });
    const { audiences, version } = missedByAudienceSchema.parse(answer);
    expect(audiences[audienceSchema.parse(ada.me)]?.notifications.map(flags)).toEqual(marks);
    expect(version).toBe(session.version);
  });

  test('is not sent when nobody asked', async () => {
    expect(await (await ada.connect()).session()).not.toHaveProperty('missed');
  });

  test('is whole or not at all', async () => {
    await ada.publish(ada.me, 'a', 'b', 'c', 'd', 'e', 'f');
    const tooMany = await cursorOf(ada.me, 6);
    const all = { epoch: tooMany.epoch, head: 6, recovered: false, notifications: [] };
    const ahead = { ...tooMany, offset: HUGE };
    const another = { epoch: 'abad1dea', offset: 5 };
    for (const [cursor, reason] of [
      [tooMany, 'too_many'],
      [ahead, 'lost'],
      [another, 'lost'],
    ] as const) {
      const missed = { [ada.me]: { ...all, reason } };
      const client = await ada.connect({ cursors: { [ada.me]: cursor } });
      expect((await client.session()).missed).toEqual(missed);
      expect(await client.ask('sync', { cursors: { [ada.me]: cursor } })).toMatchObject({
        audiences: missed,
      });
    }
    const client = await ada.connect();
    const five = await client.ask('sync', { cursors: { [ada.me]: { ...tooMany, offset: 1 } } });
    const notifications = shown('b', 'c', 'd', 'e', 'f');
    expect(five).toMatchObject({ audiences: { [ada.me]: { ...all, recovered: true, notifications } } });
  });

  test('of a topic comes with the subscription, and by sync while subscribed', async () => {
    const topic = ada.topic;
    const client = await ada.connect();
    expect(await client.ask('subscribe', { topic })).toEqual({
      audience: `topic:${topic}`,
      epoch: '0',
      head: 0,
    });
    await client.ask('unsubscribe', { topic });
    await ada.publish(`topic:${topic}`, 'a', 'b');
    const subscribed = await client.ask('subscribe', { topic, cursor: { epoch: '0', offset: 0 } });
    const missed = { epoch: expect.any(String), head: 2, recovered: true, notifications: shown('a', 'b') };
    expect(subscribed).toMatchObject({ head: 2, missed });
    await ada.publish(`topic:${topic}`, 'c');
    expect(await client.received(1)).toEqual(shown('c'));
    const cursors = { [`topic:${topic}`]: { epoch: '0', offset: 0 } };
    expect(await client.ask('sync', { cursors })).toMatchObject({
      audiences: { [`topic:${topic}`]: { head: 3, recovered: true, notifications: shown('a', 'b', 'c') } },
    });
    await client.ask('unsubscribe', { topic });
    await expectRefused(client, 'sync', { cursors }, 'forbidden');
  });

  test("of others is forbidden, and nothing is sent of one's own then", async () => {
    await ada.publish(ada.me, 'a');
    const client = await ada.connect();
    const at = { epoch: '0', offset: 0 };
    for (const foreign of ['user:watcher', 'department:board', 'topic:ticker.never', 'topic:secret']) {
      await expectRefused(client, 'sync', { cursors: { [ada.me]: at, [foreign]: at } }, 'forbidden');
    }
    await expectRefused(client, 'subscribe', { topic: 'secret', cursor: at }, 'forbidden');
  });

  test('comes with the session for as many cursors as the contract says a client may have', async () => {
    const cursor = { epoch: 'abcdef01', offset: 123_456 };
    const topics = Array.from({ length: 200 }, () => [`topic:${randomUUID()}`, cursor] as const);
    const client = await ada.begin({ cursors: Object.fromEntries(topics) });
    const session = await new Promise((resolve) => {
      client.socket.once('session', resolve);
      client.socket.io.once('close', resolve);
    });
    expect(session).toMatchObject({ user: ada.user, missed: {} });
  });

  const at = (offset: unknown, epoch: unknown = 'a') => ({ epoch, offset });
  const tooMany = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`user:${i}`, at(1)]));
  test.for<[string, unknown]>([
    ['a text', 'all'],
    ['a list', []],
    ['what is no audience', { 'team:x': at(1) }],
    ['a number', { global: 7 }],
    ['a negative offset', { global: at(-1) }],
    ['half an offset', { global: at(0.5) }],
    ['an offset beyond all numbers', { global: at(1e300) }],
    ['a text as offset', { global: at('1') }],
    ['what is no epoch', { global: at(1, 'no epoch') }],
    ['no epoch', { global: { offset: 1 } }],
    ['too many', tooMany],
  ])('is not told for cursors with %s', async ([, cursors]) => {
    await expectRefused(await ada.connect(), 'sync', { cursors }, 'bad_request');
    const refused = await ada.begin({ cursors });
    expect(await refusalOf(refused)).toMatchObject({ data: { code: expect.any(String) } });
  });

  test.for([
    undefined,
    { topic: 'ticker.a', cursor: at(-1) },
    { topic: 'ticker.a', cursor: 'x' },
    { topic: 'a}b' },
  ])('is not subscribed to with %j', async (body) => {
    await expectRefused(await ada.connect(), 'subscribe', body, 'bad_request');
  });
});

describe('a fresh token', () => {
  test('of the same user prolongs the session', async () => {
    const brief = () => ada.token(ada.claims, 10);
    const first = await ada.connect({}, await brief());
    const before = Date.now();
    const answer = await first.ask('authenticate', { token: await ada.token(ada.claims, 600) });
    const { expiresAt = '' } = Object.assign({ expiresAt: '' }, answer);
    expect(Date.parse(expiresAt)).toBeGreaterThan(before + 500_000);
    const second = await ada.connect({}, await brief());
    // The end of the first was due before.
    await until('the end of the second', 2 * TIMEOUT_MS, () => second.goaways.length > 0);
    await ada.publish(ada.me, 'a');
    expect(await first.received(1)).toEqual(shown('a'));
    expect(first.goaways).toEqual([]);
  });

  test("that is another user's, expired or none is refused, and changes nothing", async () => {
    const client = await ada.connect();
    const others = await tokenFor('watcher', ada.claims);
    for (const token of [others, await ada.token(ada.claims, -10), 'x.y.z', '']) {
      await expectRefused(client, 'authenticate', { token }, 'unauthorized');
    }
    for (const body of [undefined, {}, { token: 7 }]) {
      await expectRefused(client, 'authenticate', body, 'bad_request');
    }
    await ada.publish(ada.sales, 'a');
    expect(await client.received(1)).toEqual(shown('a'));
  });

  test('takes away at once what it does not allow any more', async () => {
    const topic = ada.topic;
    const client = await ada.connect();
    await client.ask('subscribe', { topic });
    await ada.publish(ada.sales, 'a');
    await client.received(1);
    await client.ask('authenticate', { token: await ada.token({}) });
    await ada.publish(ada.sales, 'b');
    await ada.publish(`topic:${topic}`, 'c');
    await ada.publish(ada.me, 'd');
    expect(await client.received(2)).toEqual(shown('a', 'd'));
    expect(await client.ask('inbox', {})).toMatchObject({ notifications: shown('d') });
    for (const audience of [ada.sales, `topic:${topic}`]) {
      await expectRefused(
        client,
        'sync',
        { cursors: { [audience]: { epoch: '0', offset: 0 } } },
        'forbidden',
      );
    }
    await expectRefused(client, 'mark', { as: 'read', upTo: { [ada.sales]: 1 } }, 'forbidden');
    await expectRefused(client, 'subscribe', { topic }, 'forbidden');
  });

  test('that adds a department does not bring what came to it before', async () => {
    await ada.publish(ada.sales, 'last-year');
    const client = await ada.connect({}, await ada.token({}));
    await client.ask('authenticate', { token: await ada.token(ada.claims) });
    expect(await client.ask('inbox', {})).toMatchObject({ notifications: [], unseen: 0, unread: 0 });
  });
});
