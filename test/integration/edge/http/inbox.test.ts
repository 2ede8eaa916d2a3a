/** A user's inbox as clients meet it, over the socket and over HTTP: the same answers, and plain refusals. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { inboxPageSchema } from '../../../../src/contract/inbox.ts';
import { expectRefused, freshUsers, shown, TIMEOUT_MS } from '../../../support/fresh-users.ts';
import { until } from '../../../support/until.ts';

const HUGE = Number.MAX_SAFE_INTEGER;
const ada = freshUsers();

describe('the inbox', () => {
  test('is the same over the socket and over HTTP', async () => {
    await ada.publish(ada.me, 'before');
    await ada.publish(ada.sales, 'last-year');
    const client = await ada.connect();
    expect(await client.session()).toMatchObject({ unseen: 1 });
    await ada.publish(ada.sales, 'a', 'b', 'c');
    const page = await client.ask('inbox', { limit: 3 });
    expect(page).toMatchObject({
      notifications: shown('c', 'b', 'a'),
      next: expect.any(String),
      unseen: 4,
      unread: 4,
    });
    expect(await ada.http('/v1/inbox?limit=3')).toEqual({ status: 200, body: page });
    const { next } = inboxPageSchema.parse(page);
    const rest = await client.ask('inbox', { before: next, filter: 'unread' });
    expect(rest).toMatchObject({ notifications: shown('before'), unseen: 4, unread: 4 });
    expect(await ada.http(`/v1/inbox?filter=unread&before=${next}`)).toEqual({ status: 200, body: rest });
    expect(await client.ask('inbox', {})).toMatchObject({ notifications: shown('c', 'b', 'a', 'before') });
  });

  test('marks of one device reach the others at once, and those made over HTTP reach all', async () => {
    const [phone, laptop] = [await ada.connect(), await ada.connect()];
    await ada.publish(ada.me, 'a', 'b', 'c');
    const seen = await phone.ask('mark', { as: 'seen', all: true });
    expect(seen).toMatchObject({ unseen: 0, unread: 3, version: expect.any(Number), heads: { [ada.me]: 3 } });
    const read = await phone.ask('mark', { as: 'read', ids: [`${ada.user} a`] });
    const archived = await ada.http('/v1/inbox/marks', { as: 'archived', upTo: { [ada.me]: 2 } });
    expect(archived).toMatchObject({
      status: 200,
      body: { unseen: 0, unread: 1, version: expect.any(Number) },
    });
    await until('all marks', TIMEOUT_MS, () => laptop.marks.length === 3 && phone.marks.length === 1);
    const upTo = { [ada.me]: 3, [ada.sales]: 0, global: 0 };
    expect(laptop.marks).toEqual([
      Object.assign({ as: 'seen', all: true, upTo }, seen),
      Object.assign(
        { as: 'read', ids: [`${ada.user} a`], events: [expect.objectContaining({ id: `${ada.user} a` })] },
        read,
      ),
      Object.assign({ as: 'archived', upTo: { [ada.me]: 2 } }, archived.body),
    ]);
    expect(phone.marks).toEqual(laptop.marks.slice(2));
    const versions = laptop.marks.map(({ version }) => version);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(await phone.ask('inbox', { filter: 'archived' })).toMatchObject({
      notifications: shown('b', 'a'),
    });
  });

  test.for([
    { filter: 'new' },
    { limit: 0 },
    { limit: 101 },
    { limit: 1.5 },
    { before: 'nonsense' },
    { before: 7 },
    { before: 'x'.repeat(15_000) },
    'all',
    7,
  ])('is not listed for %j', async (query) => {
    await expectRefused(await ada.connect(), 'inbox', query, 'bad_request');
    if (typeof query !== 'object') return;
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    expect(await ada.http(`/v1/inbox?${search}`)).toMatchObject({
      status: 400,
      body: { code: 'bad_request', status: 400 },
    });
  });

  test('past its end is empty', async () => {
    await ada.publish(ada.me, 'a');
    const before = Buffer.from(JSON.stringify({ offsets: { [ada.me]: 0 }, shown: [] })).toString('base64url');
    const client = await ada.connect();
    expect(await client.ask('inbox', { before })).toMatchObject({ notifications: [], unseen: 1, unread: 1 });
  });

  test.for<[string, unknown, string]>([
    ['nothing', undefined, 'bad_request'],
    ['none of ids, upTo and all', { as: 'read' }, 'bad_request'],
    ['two of them', { as: 'read', all: true, ids: ['a'] }, 'bad_request'],
    ['no ids', { as: 'read', ids: [] }, 'bad_request'],
    ['too many ids', { as: 'read', ids: Array.from({ length: 501 }, (_, i) => `${i}`) }, 'bad_request'],
    ['an id that is none', { as: 'read', ids: [7] }, 'bad_request'],
    ['all that is not', { as: 'read', all: false }, 'bad_request'],
    ['another mark', { as: 'starred', all: true }, 'bad_request'],
    ['a negative offset', { as: 'read', upTo: { global: -1 } }, 'bad_request'],
    ['a huge offset', { as: 'read', upTo: { global: HUGE } }, 'bad_request'],
    ['an offset beyond all numbers', { as: 'read', upTo: { global: 1e300 } }, 'bad_request'],
    ['what is no audience', { as: 'read', upTo: { 'team:x': 1 } }, 'bad_request'],
    ["another user's", { as: 'read', upTo: { 'user:watcher': 1 } }, 'forbidden'],
    ['a department of others', { as: 'read', upTo: { 'department:board': 0 } }, 'forbidden'],
  ])('is not marked with %s', async ([, body, code]) => {
    const [client, other] = [await ada.connect(), await ada.connect()];
    await expectRefused(client, 'mark', body, code);
    const status = code === 'forbidden' ? 403 : 400;
    expect(await ada.http('/v1/inbox/marks', body ?? null)).toMatchObject({ status, body: { code, status } });
    expect(await other.ask('inbox', {})).toMatchObject({ unread: 0 });
    expect(other.marks).toEqual([]);
  });

  test('is marked with as many ids as the contract allows', async () => {
    const client = await ada.connect();
    const ids = Array.from({ length: 500 }, () => randomUUID());
    expect(await client.ask('mark', { as: 'read', ids })).toMatchObject({ version: expect.any(Number) });
  });

  test("is nobody else's", async () => {
    for (const token of ['x.y.z', await ada.token(ada.claims, -10)]) {
      expect(await ada.http('/v1/inbox', undefined, token)).toMatchObject({
        status: 401,
        body: { code: 'unauthorized' },
      });
      const marked = await ada.http('/v1/inbox/marks', { as: 'read', all: true }, token);
      expect(marked).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    }
  });
});
