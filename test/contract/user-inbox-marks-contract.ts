/** What a user's marks promise, as tests; over every kind of store. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InboxItem, MarkRequest } from '../../src/contract/inbox.ts';
import type { InboxLimits } from '../../src/pipeline/inbox/inbox.ts';
import { MemoryMarksStore } from '../../src/pipeline/inbox/marks-store.ts';
import fc from '../support/fast-check.ts';
import { event, ME, marksIn, ROOMY, SALES, type Stores, userOf } from './user-inbox-subject.ts';

const flags = ({ seen, read, archived }: InboxItem) => ({ seen, read, archived });

export function describeUserMarks(name: string, open: (limits: InboxLimits) => Promise<Stores>): void {
  describe(name, () => {
    let stores: Stores;
    let ada: ReturnType<typeof userOf>;

    beforeEach(async () => {
      stores = await open(ROOMY);
      ada = userOf(stores);
      await ada.openLongAgo();
      await ada.publish(event('a', [ME]), event('b', [SALES]), event('c', [ME]), event('d', ['global']));
    });
    afterEach(() => stores.close());

    test.for<[MarkRequest['as'], ReturnType<typeof flags>, string[], string[], string[]]>([
      ['seen', { seen: true, read: false, archived: false }, ['d', 'a'], ['d', 'c', 'b', 'a'], []],
      ['read', { seen: true, read: true, archived: false }, ['d', 'a'], ['d', 'a'], []],
      ['archived', { seen: true, read: true, archived: true }, ['d', 'a'], ['d', 'a'], ['c', 'b']],
      [
        'unread',
        { seen: false, read: false, archived: false },
        ['d', 'c', 'b', 'a'],
        ['d', 'c', 'b', 'a'],
        [],
      ],
    ])('%s by ids', async ([as, expected, unseen, unread, archived]) => {
      const marked = await ada.mark({ as, ids: ['c', 'b', 'gone'] });
      const counts = { unseen: unseen.length, unread: unread.length };
      expect(marked).toMatchObject({
        ok: true,
        value: { ...counts, version: expect.any(Number), heads: { [ME]: 2, [SALES]: 1, global: 1 } },
      });
      expect(await ada.counts()).toEqual(counts);
      expect([await ada.ids('unseen'), await ada.ids('unread')]).toEqual([unseen, unread]);
      expect(await ada.ids('archived')).toEqual(archived);
      const { notifications } = await ada.list({ filter: as === 'archived' ? 'archived' : 'all' });
      const items = notifications.filter(({ id }) => id === 'c' || id === 'b');
      expect(items.map(flags)).toEqual([expected, expected]);
    });

    test('by ids also find the older one when a newer id came from two sources', async () => {
      await ada.flood(ME, 210);
      await ada.publish(event('twice', [ME]), event('twice', [ME], { source: '/other' }));
      await ada.mark({ as: 'archived', ids: ['a', 'twice'] });
      expect(await ada.ids('archived')).toEqual(['twice', 'twice', 'a']);
    });

    test('by events leaves those of other services with the same id', async () => {
      await ada.publish(event('a', [SALES], { source: '/other' }));
      await ada.mark({ as: 'archived', ids: ['a'], events: [{ id: 'a', source: '/other' }] });
      const { notifications } = await ada.list({ filter: 'archived' });
      expect(notifications.map(({ id, source }) => [id, source])).toEqual([['a', '/other']]);
      await ada.mark({ as: 'read', events: [{ id: 'a', source: '/test' }] });
      expect(await ada.ids('unread')).toEqual(['d', 'c', 'b']);
      const told = (await stores.publishedMarks()).map(marksIn);
      expect(told.map(({ ids, events }) => [ids, events])).toEqual([
        [['a'], [{ id: 'a', source: '/other' }]],
        [['a'], [{ id: 'a', source: '/test' }]],
      ]);
    });

    test('unread takes read back, and not seen', async () => {
      await ada.mark({ as: 'read', all: true });
      await ada.mark({ as: 'unread', ids: ['a'] });
      expect(await ada.ids('unread')).toEqual(['a']);
      expect(await ada.counts()).toEqual({ unseen: 0, unread: 1 });
    });

    test('up to an offset of each audience, and all', async () => {
      await ada.mark({ as: 'read', upTo: { [ME]: 1, global: 1, [SALES]: 0 } });
      expect(await ada.ids('unread')).toEqual(['c', 'b']);
      await ada.mark({ as: 'archived', all: true });
      expect(await ada.ids()).toEqual([]);
      expect(await ada.ids('archived')).toEqual(['d', 'c', 'b', 'a']);
      await ada.publish(event('e', [ME]));
      expect(await ada.ids('unseen')).toEqual(['e']);
    });

    test('reach other devices in the order of their version, with who made them', async () => {
      const first = await ada.mark({ as: 'seen', all: true }, 'phone');
      const second = await ada.mark({ as: 'read', ids: ['a'] }, 'laptop');
      const third = await ada.mark({ as: 'unread', upTo: { [ME]: 1 } }, '');
      const answers = [first, second, third].map((answer) => (answer.ok ? answer.value : undefined));
      const messages = await stores.publishedMarks();
      expect(messages.map(({ origin }) => origin)).toEqual(['phone', 'laptop', '']);
      expect(messages.map(marksIn)).toEqual([
        { as: 'seen', all: true, upTo: { [ME]: 2, [SALES]: 1, global: 1 }, ...answers[0] },
        { as: 'read', ids: ['a'], events: [{ id: 'a', source: '/test' }], ...answers[1] },
        { as: 'unread', upTo: { [ME]: 1 }, ...answers[2] },
      ]);
      expect(answers[1]?.version).toBe((answers[0]?.version ?? 0) + 1);
    });

    test('of an audience that is not theirs are forbidden, and of a future are a mistake', async () => {
      const foreign = await ada.mark({ as: 'read', upTo: { [ME]: 1, 'user:bob': 1 } });
      expect(foreign).toMatchObject({ ok: false, refusal: { code: 'forbidden', message: /user:bob/ } });
      const ahead = await ada.mark({ as: 'read', upTo: { [ME]: 3 } });
      expect(ahead).toMatchObject({
        ok: false,
        refusal: { code: 'bad_request', message: /upTo.*user:ada/ },
      });
      expect(await ada.counts()).toEqual({ unseen: 4, unread: 4 });
      expect(await stores.publishedMarks()).toEqual([]);
    });

    test('do not apply to what comes at the offsets of what was lost', async () => {
      await ada.mark({ as: 'archived', all: true });
      await stores.loseLogs();
      ada = userOf(stores);
      await ada.publish(event('x', [ME]), event('y', [SALES]));
      expect(await ada.ids('unseen')).toEqual(['y', 'x']);
      expect(await ada.ids('archived')).toEqual([]);
    });

    test('of 20 devices at once end as if made one after the other in the order of version', async () => {
      await ada.flood(ME, 30, 'm');
      await ada.flood(SALES, 20, 's');
      const anyRequest: fc.Arbitrary<MarkRequest> = fc.record({
        as: fc.constantFrom('seen', 'read', 'unread', 'archived'),
        upTo: fc.record({ [ME]: fc.nat({ max: 32 }), [SALES]: fc.nat({ max: 21 }) }),
      });
      const requests = fc.sample(anyRequest, { numRuns: 40 });
      const made: { request: MarkRequest; answer: unknown; version: number }[] = [];
      const device = async (own: readonly MarkRequest[]) => {
        for (const request of own) {
          const answer = await ada.mark(request);
          made.push({ request, answer, version: answer.ok ? answer.value.version : 0 });
        }
      };
      const { version: before, byAudience } = await stores.store.load('ada');
      await Promise.all(Array.from({ length: 20 }, (_, i) => device(requests.slice(2 * i, 2 * i + 2))));
      const ordered = made.toSorted((a, b) => a.version - b.version);
      expect(ordered.map(({ version }) => version - before)).toEqual(requests.map((_, i) => i + 1));

      const alone = new MemoryMarksStore(() => {});
      for (let version = 0; version < before; version += 1)
        await alone.save('ada', version, byAudience, undefined);
      const replay = userOf({ inbox: stores.inbox, store: alone });
      for (const { request, answer } of ordered) expect(await replay.mark(request)).toEqual(answer);
      expect(await stores.store.load('ada')).toEqual(await alone.load('ada'));
      const told = (await stores.publishedMarks()).map((message) => marksIn(message).version);
      expect(told).toEqual(ordered.map(({ version }) => version));
    });
  });
}
