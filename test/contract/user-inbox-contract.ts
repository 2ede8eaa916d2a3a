/** What a user's inbox promises of lists, counts and pages, as tests; over every kind of store. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RETRACTION_TYPE } from '../../src/contract/event.ts';
import type { InboxLimits } from '../../src/pipeline/inbox/inbox.ts';
import {
  event,
  forAll,
  ME,
  MINE,
  NO_LIMIT,
  ROOMY,
  SALES,
  type Stores,
  userOf,
} from './user-inbox-subject.ts';

export function describeUserInbox(name: string, open: (limits: InboxLimits) => Promise<Stores>): void {
  describe(name, () => {
    let stores: Stores;
    let ada: ReturnType<typeof userOf>;

    beforeEach(async () => {
      stores = await open(ROOMY);
      ada = userOf(stores);
    });
    afterEach(() => stores.close());

    test('is empty before anything came', async () => {
      expect(await ada.open()).toEqual({ unseen: 0, unread: 0 });
      expect(await ada.list()).toMatchObject({ notifications: [], unseen: 0, unread: 0 });
    });

    test("has a user's own and global from the beginning, a department from the first session on", async () => {
      await ada.publish(event('own', [ME]), event('last-year', [SALES]), event('all', ['global']));
      expect(await ada.open()).toEqual({ unseen: 2, unread: 2 });
      await ada.publish(event('today', [SALES]));
      expect(await ada.open()).toEqual({ unseen: 3, unread: 3 });
      expect(await ada.ids()).toEqual(['today', 'all', 'own']);
      await ada.mark({ as: 'read', ids: ['last-year'] });
      await ada.mark({ as: 'archived', upTo: { [SALES]: 1 } });
      expect(await ada.counts()).toEqual({ unseen: 3, unread: 3 });
      expect(await ada.ids('archived')).toEqual([]);
    });

    test('has nothing of a department before the first session', async () => {
      await ada.publish(event('own', [ME]), event('last-year', [SALES]));
      expect(await ada.ids()).toEqual(['own']);
    });

    test('marks made before the first session do not bring what came before it', async () => {
      await ada.publish(event('old-1', [SALES]), event('old-2', [SALES]));
      await ada.mark({ as: 'seen', upTo: { [SALES]: 1 } });
      expect(await ada.open()).toEqual({ unseen: 0, unread: 0 });
    });

    test('users do not see or mark for each other', async () => {
      await ada.publish(event('hers', [ME]), event('his', ['user:bob']), event('both', ['global']));
      await ada.mark({ as: 'archived', all: true });
      const his = await ada.userInbox.list('bob', ['user:bob', 'global'], NO_LIMIT);
      expect(his).toMatchObject({
        ok: true,
        value: { notifications: [{ id: 'both', archived: false }, { id: 'his' }], unread: 2 },
      });
    });

    describe('counts', () => {
      test('are exact up to 100 and stay there', async () => {
        await ada.flood(ME, 99);
        expect(await ada.counts()).toEqual({ unseen: 99, unread: 99 });
        await ada.flood('global', 21, 'g');
        expect(await ada.counts()).toEqual({ unseen: 100, unread: 100 });
        await ada.mark({ as: 'seen', upTo: { [ME]: 20 } });
        expect(await ada.counts()).toEqual({ unseen: 100, unread: 100 });
        await ada.mark({ as: 'read', upTo: { [ME]: 21 } });
        expect(await ada.counts()).toEqual({ unseen: 99, unread: 99 });
      });

      test('an event that came by several audiences counts and shows once, however it is marked', async () => {
        await ada.openLongAgo();
        await ada.publish(event('a', [ME, SALES, 'global']), event('b', ['global', ME]));
        expect(await ada.ids()).toEqual(['b', 'a']);
        expect(await ada.counts()).toEqual({ unseen: 2, unread: 2 });
        await ada.mark({ as: 'archived', ids: ['a'] });
        expect([await ada.ids(), await ada.ids('archived')]).toEqual([['b'], ['a']]);
      });

      test('a copy from before the user belonged there is none: the other one is shown', async () => {
        await ada.publish(event('a', [ME, SALES]));
        await ada.open();
        expect(await ada.ids()).toEqual(['a']);
      });

      test('an event shows once also right after the first session', async () => {
        await ada.open();
        await ada.publish(event('a', [ME, SALES]));
        expect(await ada.ids()).toEqual(['a']);
      });

      test("a copy that its department's log has dropped does not hide the user's own", async () => {
        await stores.close();
        const small = { ...ROOMY, maxLength: { ...forAll(400), department: 5 } };
        stores = await open(small);
        ada = userOf(stores, small);
        await ada.openLongAgo();
        await ada.publish(event('a', [ME, SALES]));
        await ada.flood(SALES, 6);
        expect(await ada.ids()).toContain('a');
      });
    });

    describe('pages', () => {
      test('cover everything once, newest first, while others come and are marked', async () => {
        await ada.openLongAgo();
        for (let i = 0; i < 30; i += 1) {
          const audiences = [[ME], [SALES], ['global'], [ME, SALES]] as const;
          await ada.publish(event(`e${i}`, audiences[i % audiences.length] ?? [ME]));
        }
        for (const filter of ['all', 'unread'] as const) {
          const all = await ada.ids(filter);
          const paged: string[] = [];
          let before: string | undefined;
          do {
            const page = await ada.list({ filter, limit: 7, ...(before === undefined ? {} : { before }) });
            paged.push(...page.notifications.map(({ id }) => id));
            before = page.next;
            await ada.publish(event(`${filter}-later-${paged.length}`, [ME, 'global']));
            await ada.mark({ as: filter === 'all' ? 'seen' : 'read', ids: paged });
          } while (before !== undefined);
          expect(paged).toEqual(all);
          expect(paged.length).toBeGreaterThanOrEqual(30);
        }
      });

      test('end exactly where the inbox does', async () => {
        await ada.flood(ME, 6);
        const { next = '' } = await ada.list({ limit: 3 });
        const last = await ada.list({ limit: 3, before: next });
        expect(last.notifications.map(({ offset }) => offset)).toEqual([3, 2, 1]);
        expect(last).not.toHaveProperty('next');
      });

      test.for([
        '',
        'nonsense',
        '%%%',
        '{}',
        toPosition({ [ME]: -1 }),
        toPosition({ team: 1 }),
        toPosition([]),
      ])('do not go on from %j', async (before) => {
        const page = await ada.userInbox.list('ada', MINE, { ...NO_LIMIT, before });
        expect(page).toMatchObject({ ok: false, refusal: { code: 'bad_request', message: /^before:/ } });
      });

      test('show nothing foreign, whatever position is made up', async () => {
        await ada.publish(event('his', ['user:bob']), event('hers', [ME]));
        const before = toPosition({ 'user:bob': 9, [ME]: 9 });
        expect((await ada.list({ before })).notifications.map(({ id }) => id)).toEqual(['hers']);
      });
    });

    describe('what is not shown any more', () => {
      beforeEach(() => ada.openLongAgo());

      test('is what has expired', async () => {
        const expirytime = new Date(Date.now() + 3_600_000).toISOString();
        await ada.publish(event('brief', [ME, SALES], { expirytime }), event('lasting', [ME]));
        expect(await ada.ids()).toEqual(['lasting', 'brief']);
        ada.passTwoHours();
        expect(await ada.ids()).toEqual(['lasting']);
        expect(await ada.counts()).toEqual({ unseen: 1, unread: 1 });
      });

      test('is what a newer one with the same collapse key of the same source replaced', async () => {
        const made = (id: string, collapsekey: string, source: string) =>
          event(id, [ME], { collapsekey, source });
        await ada.publish(
          made('1', 'k', '/a'),
          made('2', 'k', '/b'),
          made('3', 'l', '/a'),
          made('4', 'k', '/a'),
        );
        expect(await ada.ids()).toEqual(['4', '3', '2']);
        expect(await ada.counts()).toEqual({ unseen: 3, unread: 3 });
      });

      test('is what was taken back, and the taking back itself', async () => {
        const retraction = (id: string, data: Record<string, string>) =>
          event(id, [ME, SALES], { type: RETRACTION_TYPE, data });
        const [mine, other] = [event('a', [ME, SALES]), event('a', [ME, SALES], { source: '/other' })];
        await ada.publish(mine, other, event('b', [ME]), retraction('r1', { id: 'a' }));
        const sources = async () =>
          (await ada.list()).notifications.map(({ id, source }) => `${source} ${id}`);
        expect(await sources()).toEqual(['/test b', '/other a']);
        expect(await ada.counts()).toEqual({ unseen: 2, unread: 2 });
        await ada.publish(retraction('r2', { id: 'a', source: '/other' }), retraction('r3', { id: 'never' }));
        expect(await sources()).toEqual(['/test b']);
        expect(await ada.ids('archived')).toEqual([]);
      });
    });
  });
}

function toPosition(offsets: unknown): string {
  return Buffer.from(JSON.stringify({ offsets, shown: [] })).toString('base64url');
}
