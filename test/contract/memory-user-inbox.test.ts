/** The user's inbox over memory; and, whatever happens to it, the same as a slow model that is plainly right. */
import { expect, test } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import type { InboxQuery, MarkRequest } from '../../src/contract/inbox.ts';
import { EMPTY_HEAD } from '../../src/contract/notification.ts';
import { createDeliver } from '../../src/pipeline/deliver.ts';
import { NO_OBSERVERS } from '../../src/pipeline/event-observer.ts';
import { AppendQueue } from '../../src/pipeline/inbox/append-queue.ts';
import { decodeLiveMessage } from '../../src/pipeline/inbox/live-message.ts';
import { MemoryMarksStore } from '../../src/pipeline/inbox/marks-store.ts';
import { MemoryInbox } from '../../src/pipeline/inbox/memory-inbox.ts';
import { RecentEntries } from '../../src/pipeline/inbox/recent-entries.ts';
import { StoredInbox } from '../../src/pipeline/inbox/stored-inbox.ts';
import { Routing } from '../../src/pipeline/routing/routing.ts';
import { anyId, anyRetraction, anySource, seldom } from '../support/any-events.ts';
import fc from '../support/fast-check.ts';
import { BY_RANK, EVERYBODY, eventOf, InboxModel, lineOf, type Made } from '../support/inbox-model.ts';
import { lived } from '../support/lived.ts';
import { describeUserInbox } from './user-inbox-contract.ts';
import { describeUserMarks } from './user-inbox-marks-contract.ts';
import { forAll, ROOMY, type Stores, toMarksMessages } from './user-inbox-subject.ts';

async function open(limits: typeof ROOMY): Promise<Stores> {
  const published: Buffer[] = [];
  const openInbox = () => new MemoryInbox({ limits, now: Date.now, publish: () => 0 });
  let inbox = openInbox();
  return {
    get inbox() {
      return inbox;
    },
    store: new MemoryMarksStore((_audience, message) => published.push(message)),
    publishedMarks: async () => toMarksMessages(published),
    loseLogs: async () => {
      inbox = openInbox();
    },
    close: async () => {},
  };
}

describeUserInbox('user inbox in memory', open);
describeUserMarks('marks in memory', open);

/** Each run draws the same stories; another one draws others. */

/** Between two steps, so that all order is plain. */
const STEP_MS = 120_000;

/**
 * A number stands for one of the events made up, which may come again. `loses`: its messages do not arrive where the
 * newest is kept in memory. `hosts`: that node begins or ceases to host an audience.
 */
type Step =
  | { readonly make: number; readonly loses?: boolean }
  | { readonly mark: MarkRequest }
  | { readonly hosts: Audience };

const anyMade: fc.Arbitrary<Made> = fc.record({
  id: anyId,
  source: anySource,
  audience: fc.uniqueArray(fc.constantFrom(...EVERYBODY), { minLength: 1, maxLength: 4 }),
  collapsekey: seldom(fc.constant('k')),
  retracts: seldom(anyRetraction),
  livesMs: seldom(fc.integer({ min: 1, max: 10 }).map((steps) => steps * STEP_MS)),
});
const anyMeant = fc.oneof(
  fc.record({ ids: fc.uniqueArray(anyId, { minLength: 1, maxLength: 4 }) }),
  fc.record({
    events: fc.array(fc.record({ id: anyId, source: anySource }), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ upTo: fc.dictionary(fc.constantFrom(...BY_RANK), fc.nat({ max: 12 })) }),
  fc.constant({ all: true as const }),
);
const anyMark: fc.Arbitrary<MarkRequest> = fc
  .tuple(fc.constantFrom('seen', 'read', 'unread', 'archived'), anyMeant)
  .map(([as, meant]) => ({ as, ...meant }));
const anyMake = fc.record({ make: fc.nat({ max: 14 }), loses: fc.constantFrom(false, false, false, true) });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: anyMake },
  { weight: 2, arbitrary: fc.record({ mark: anyMark }) },
  { weight: 1, arbitrary: fc.record({ hosts: fc.constantFrom(...EVERYBODY) }) },
);
const anyEvents = fc.uniqueArray(anyMade, {
  minLength: 15,
  maxLength: 15,
  selector: ({ id, source }) => `${source} ${id}`,
});

test('lists, flags and counts are those of the model, whatever happened', async () => {
  const run = async (
    events: readonly Made[],
    before: readonly Step[],
    after: readonly Step[],
    limit: number,
    inMemory: number,
  ) => {
    let nowMs = Date.now();
    const now = () => nowMs;
    const limits = { ...ROOMY, maxAgeMs: forAll(STEP_MS * 1_000), dedupeMs: STEP_MS * 1_000 };
    let isLost = false;
    const inbox = new MemoryInbox({
      limits,
      now,
      publish: (audience, bytes) => {
        const message = decodeLiveMessage(bytes) ?? expect.unreachable('a notification');
        if (!isLost) recent.passedOn(audience, message);
        return 1;
      },
    });
    const recent = new RecentEntries({
      inbox,
      maxLength: forAll(inMemory),
      onFault: (_audience, error) => expect.unreachable(String(error)),
    });
    const hosted = new Set<Audience>();
    const host = (audience: Audience) => {
      if (hosted.delete(audience)) return recent.left(audience);
      hosted.add(audience);
      recent.hosted(audience);
    };
    for (const audience of BY_RANK) host(audience);
    const userInbox = new StoredInbox({
      inbox,
      recent,
      store: new MemoryMarksStore(() => {}),
      kept: limits,
      maxAnswerBytes: 524_288,
      now,
    });
    const deliver = createDeliver({
      appendQueue: new AppendQueue(inbox, () => {}),
      routing: new Routing([]),
      maxAudiences: 10,
      isSampled: () => false,
      observers: NO_OBSERVERS,
    });
    const model = new InboxModel();

    const take = async (step: Step) => {
      nowMs += STEP_MS;
      if ('hosts' in step) {
        host(step.hosts);
      } else if ('make' in step) {
        isLost = step.loses ?? false;
        const made = events[step.make] ?? expect.unreachable('one of the events made up');
        expect(await deliver(...lived(eventOf(made, nowMs)))).toEqual({ kind: 'ack' });
        model.make(made, nowMs);
      } else {
        const { upTo } = step.mark;
        const within = BY_RANK.map((one) => [one, Math.min(upTo?.[one] ?? 0, model.head(one))] as const);
        const request = upTo === undefined ? step.mark : { ...step.mark, upTo: Object.fromEntries(within) };
        expect(await userInbox.mark('ada', BY_RANK, request, '')).toMatchObject({ ok: true });
        model.mark(request);
      }
    };
    const list = async (filter: InboxQuery['filter']) => {
      const found: string[] = [];
      let before: string | undefined;
      for (;;) {
        const page = await userInbox.list('ada', BY_RANK, { filter, limit, before });
        if (!page.ok) throw new Error(page.refusal.message);
        found.push(...page.value.notifications.map(lineOf));
        before = page.value.next;
        const { unseen, unread } = page.value;
        if (before === undefined) return { found, unseen, unread };
      }
    };

    for (const step of before) await take(step);
    nowMs += STEP_MS;
    const heads = await inbox.heads(BY_RANK);
    await userInbox.open('ada', new Map(BY_RANK.map((audience, i) => [audience, heads[i] ?? EMPTY_HEAD])));
    model.open();
    for (const step of after) await take(step);
    const counts = {
      unseen: model.shown('unseen', nowMs).length,
      unread: model.shown('unread', nowMs).length,
    };
    for (const filter of ['all', 'unseen', 'unread', 'archived'] as const) {
      expect(await list(filter)).toEqual({ found: model.shown(filter, nowMs), ...counts });
    }
  };
  const anySteps = fc.array(anyStep, { maxLength: 30, size: 'max' });
  await fc.assert(
    fc.asyncProperty(
      anyEvents,
      fc.array(anyMake, { maxLength: 8 }),
      anySteps,
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(1, 3, 200),
      run,
    ),
    { numRuns: 300 },
  );
});
