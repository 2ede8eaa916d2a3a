/** The inbox's contract as tests; every implementation passes all of them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import { EMPTY_HEAD, encodeEvent, notificationSchema } from '../../src/contract/notification.ts';
import type { Entry, Inbox, InboxLimits } from '../../src/pipeline/inbox/inbox.ts';
import { decodeLiveMessage, type LiveMessage } from '../../src/pipeline/inbox/live-message.ts';

/** An implementation under test, with the means to see what it publishes and to let its time pass. */
export interface Subject {
  readonly inbox: Inbox;
  /** What gateways that host the audience have been handed, in order. */
  published(audience: Audience): Promise<readonly LiveMessage[]>;
  /** Makes the implementation believe that its store may have lost writes. */
  loseTrust(): Promise<void>;
  /** Resolves when entries appended before are older than `maxAgeMs`. */
  age(): Promise<void>;
  close(): Promise<void>;
}

const forAll = (number: number) => ({ user: number, department: number, topic: number, global: number });

export const MAX_AGE_MS = 300;
/** Nothing goes by its age while a test runs. */
export const LONG_LIVED: InboxLimits = {
  maxLength: forAll(20),
  maxAgeMs: forAll(3_600_000),
  dedupeMs: 60_000,
};

export const LIMITS: InboxLimits = { maxLength: forAll(20), maxAgeMs: forAll(MAX_AGE_MS), dedupeMs: 60_000 };

const RECEIVED_AT = new Date('2026-11-20T09:00:00Z');

export function entry(id: string, audience: Audience, extra: Partial<Entry> = {}): Entry {
  const event = { specversion: '1.0' as const, id, source: '/test', type: 'test.made', data: { n: id } };
  return { source: '/test', id, text: encodeEvent(event, RECEIVED_AT)(audience), sampled: false, ...extra };
}

export function describeInbox(name: string, open: (limits: InboxLimits) => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    const audience = 'user:42';

    beforeEach(async () => {
      subject = await open(LONG_LIVED);
    });
    afterEach(() => subject.close());

    const appendOne = async (id: string, extra?: Partial<Entry>) => {
      const [appended] = await subject.inbox.append(audience, [entry(id, audience, extra)]);
      return appended;
    };
    const offsetsIn = async (first: number, last: number) =>
      (await subject.inbox.read(audience, first, last)).map(({ offset }) => offset);

    test('a log never written has an empty head and nothing to read', async () => {
      expect(await subject.inbox.heads([audience, 'global'])).toEqual([EMPTY_HEAD, EMPTY_HEAD]);
      expect(await subject.inbox.read(audience, 1, 10)).toEqual([]);
    });

    test('offsets are 1, 2, 3 and the head follows', async () => {
      const first = await appendOne('a');
      const rest = await subject.inbox.append(audience, [entry('b', audience), entry('c', audience)]);
      expect([first, ...rest].map((appended) => appended?.offset)).toEqual([1, 2, 3]);
      expect(first?.epoch).toMatch(/^[0-9a-f]{8}$/);
      expect(await subject.inbox.heads([audience])).toEqual([{ epoch: first?.epoch, offset: 3 }]);
    });

    test('audiences have logs of their own', async () => {
      await appendOne('a');
      await subject.inbox.append('global', [entry('a', 'global')]);
      const heads = await subject.inbox.heads(['global', audience, 'department:sales']);
      expect(heads.map(({ offset }) => offset)).toEqual([1, 1, 0]);
    });

    test('what is read is the notification with its place, in order', async () => {
      await subject.inbox.append(
        audience,
        ['a', 'b', 'c'].map((id) => entry(id, audience)),
      );
      const stored = await subject.inbox.read(audience, 2, 3);
      const notifications = stored.map(({ json }) => notificationSchema.parse(JSON.parse(json)));
      expect(notifications.map(({ id, offset, epoch }) => ({ id, offset, epoch }))).toEqual([
        { id: 'b', offset: 2, epoch: stored[0]?.epoch },
        { id: 'c', offset: 3, epoch: stored[1]?.epoch },
      ]);
      expect(notifications[0]).toMatchObject({ audience, source: '/test', data: { n: 'b' } });
    });

    test('envelopes are the newest entries without their data', async () => {
      const expiring = entry('b', audience, { expiresAtMs: Date.now() + 60_000 });
      await subject.inbox.append(audience, [entry('a', audience), expiring, entry('c', audience)]);
      const whole = await subject.inbox.readNewest(audience, 1, 3, 2);
      const without = whole.map(({ json, ...rest }) => {
        const { id, source, type } = JSON.parse(json);
        return { ...rest, id, source, type, identity: `${source} ${id}`, collapseKey: undefined };
      });
      const envelopes = await subject.inbox.readEnvelopes(audience, 1, 3, 2);
      expect(envelopes).toEqual(without);
      expect(envelopes.map(({ offset }) => offset)).toEqual([3, 2]);
      expect(await subject.inbox.readEnvelopes('user:nobody', 1, 9, 2)).toEqual([]);
    });

    test('50 appends at once leave no hole and no offset twice', async () => {
      const appended = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          subject.inbox.append('department:x', [entry(`e${i}`, 'department:x')]),
        ),
      );
      const offsets = appended.flat().map(({ offset }) => offset);
      expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    });

    test('a repeat is answered with its first place, and neither written nor published', async () => {
      await appendOne('a');
      await appendOne('b');
      const again = await subject.inbox.append(audience, [
        entry('a', audience),
        entry('c', audience),
        entry('c', audience),
      ]);
      expect(again.map(({ offset, repeat }) => ({ offset, repeat }))).toEqual([
        { offset: 1, repeat: true },
        { offset: 3, repeat: false },
        { offset: 3, repeat: true },
      ]);
      expect(await offsetsIn(1, 100)).toEqual([1, 2, 3]);
      expect((await subject.published(audience)).map(({ offset }) => offset)).toEqual([1, 2, 3]);
    });

    test('where an event is, is known by its identity, with the route and how many gateways were reached', async () => {
      await appendOne('a');
      await appendOne('b', { route: 'order.*' });
      await appendOne('b');
      expect(await subject.inbox.places(audience, ['/test b', '/test x', '/test a'])).toEqual([
        { offset: 2, route: 'order.*', gateways: expect.any(Number) },
        undefined,
        { offset: 1, route: undefined, gateways: expect.any(Number) },
      ]);
      expect(await subject.inbox.places('global', ['/test a'])).toEqual([undefined]);
      expect(await subject.inbox.places(audience, [])).toEqual([]);
    });

    test('of many in one append each keeps what is given for it, whatever is given for those beside it', async () => {
      await appendOne('repeated', { collapseKey: 'before' });
      const expiresAtMs = 1_800_000_000_000;
      const all = { expiresAtMs, collapseKey: '/test a\nb é', retracts: '/test ""\n x', route: 'all.#' };
      const given: readonly (readonly [string, Partial<Entry>])[] = [
        ['plain', {}],
        ['all', all],
        ['repeated', all],
        ['routed', { route: 'order.*' }],
        ['expiring', { expiresAtMs }],
        ['retracting', { retracts: '/test plain' }],
        ['collapsing', { collapseKey: '/test c' }],
        ['last', {}],
      ];
      const entries = given.map(([id, extra]) => entry(id, audience, extra));
      const appended = await subject.inbox.append(audience, entries);
      expect(appended.map(({ offset, repeat }) => (repeat ? -offset : offset))).toEqual([
        2, 3, -1, 4, 5, 6, 7, 8,
      ]);
      const stored = await subject.inbox.read(audience, 1, 8);
      expect(stored.map(({ expiresAtMs: at }) => at === expiresAtMs)).toEqual([
        false,
        false,
        true,
        false,
        true,
        false,
        false,
        false,
      ]);
      const places = await subject.inbox.places(
        audience,
        given.map(([id]) => `/test ${id}`),
      );
      expect(places.map((place) => place?.route)).toEqual([
        undefined,
        'all.#',
        undefined,
        'order.*',
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
      const { newest, retracted } = await subject.inbox.shadows(audience);
      expect(Object.fromEntries(newest)).toEqual({ before: 1, '/test a\nb é': 3, '/test c': 7 });
      expect(Object.fromEntries(retracted)).toEqual({ '/test ""\n x': 3, '/test plain': 6 });
      expect(await subject.inbox.heads([audience])).toMatchObject([{ offset: 8 }]);
    });

    test('the same id from another source is another event', async () => {
      await appendOne('a');
      const other = await appendOne('a', { source: '/other' });
      expect(other).toMatchObject({ offset: 2, repeat: false });
    });

    test('what is published is the packet that clients get, with its place before it', async () => {
      const appended = await appendOne('a', { sampled: true });
      const [message] = await subject.published(audience);
      const [stored] = await subject.inbox.read(audience, 1, 1);
      expect(appended?.gateways).toBe(1);
      expect(message).toEqual({
        epoch: appended?.epoch,
        offset: 1,
        sampled: true,
        traced: false,
        packet: Buffer.from(`42["notification",${stored?.json}]`),
      });
    });

    test('an audience that nobody hosts is kept all the same', async () => {
      const [appended] = await subject.inbox.append('user:nobody', [entry('a', 'user:nobody')]);
      expect(appended).toMatchObject({ offset: 1, gateways: 0 });
      expect(await subject.inbox.read('user:nobody', 1, 1)).toHaveLength(1);
    });

    test('the log keeps the newest up to its length, and offsets go on', async () => {
      for (let i = 1; i <= 25; i += 1) await appendOne(`e${i}`);
      expect(await offsetsIn(1, 100)).toEqual(Array.from({ length: 20 }, (_, i) => i + 6));
      expect((await subject.inbox.heads([audience]))[0]?.offset).toBe(25);
    });

    test("a topic of Carillon's own keeps only the last few entries", async () => {
      const own = 'topic:carillon.canary.a';
      for (let i = 1; i <= 10; i += 1) await subject.inbox.append(own, [entry(`e${i}`, own)]);
      expect((await subject.inbox.read(own, 1, 100)).map(({ offset }) => offset)).toEqual([7, 8, 9, 10]);
      expect((await subject.inbox.append(own, [entry('e9', own)]))[0]).toMatchObject({ repeat: true });
    });

    test('entries past their age go with the next append, and offsets go on', async () => {
      await subject.close();
      subject = await open(LIMITS);
      await appendOne('old');
      await subject.age();
      const next = await appendOne('new');
      expect(await offsetsIn(next?.offset ?? 0, 100)).toEqual([next?.offset]);
      expect(await offsetsIn(1, 1)).toEqual(next?.offset === 1 ? [1] : []);
    });

    test('the expiry of a notification is kept beside it', async () => {
      await appendOne('a', { expiresAtMs: 1_800_000_000_000 });
      await appendOne('b');
      const stored = await subject.inbox.read(audience, 1, 2);
      expect(stored.map(({ expiresAtMs }) => expiresAtMs)).toEqual([1_800_000_000_000, undefined]);
    });

    test('when writes may have been lost the epoch changes, and entries keep the one they were written in', async () => {
      const before = await appendOne('a');
      await subject.loseTrust();
      const after = await appendOne('b');
      expect(after?.epoch).not.toBe(before?.epoch);
      const [head] = await subject.inbox.heads([audience]);
      expect(head).toEqual({ epoch: after?.epoch, offset: after?.offset });
    });
  });
}

export function toLiveMessages(bytes: readonly Buffer[]): LiveMessage[] {
  return bytes.flatMap((message) => decodeLiveMessage(message) ?? []);
}
