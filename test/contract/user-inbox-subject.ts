/** Ada, whose inbox is under test: the stores beneath it, and short ways to publish to her, to list and to mark. */
import { expect } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import type { Event } from '../../src/contract/event.ts';
import { type InboxQuery, inboxPageSchema, type MarkRequest, marksSchema } from '../../src/contract/inbox.ts';
import { EMPTY_HEAD } from '../../src/contract/notification.ts';
import { createDeliver } from '../../src/pipeline/deliver.ts';
import { NO_OBSERVERS } from '../../src/pipeline/event-observer.ts';
import { AppendQueue } from '../../src/pipeline/inbox/append-queue.ts';
import type { Inbox, InboxLimits } from '../../src/pipeline/inbox/inbox.ts';
import { decodeMarksMessage, type MarksMessage } from '../../src/pipeline/inbox/live-message.ts';
import type { MarksStore } from '../../src/pipeline/inbox/marks-store.ts';
import { StoredInbox } from '../../src/pipeline/inbox/stored-inbox.ts';
import { Routing } from '../../src/pipeline/routing/routing.ts';
import { lived } from '../support/lived.ts';
import { until } from '../support/until.ts';

/** The stores under test, and what they published to the room of {@link ME}. */
export interface Stores {
  readonly inbox: Inbox;
  readonly store: MarksStore;
  publishedMarks(): Promise<readonly MarksMessage[]>;
  /** Everything in the logs is lost; the marks are not. */
  loseLogs(): Promise<void>;
  close(): Promise<void>;
}

export const ME = 'user:ada';
export const SALES = 'department:sales';
export const MINE: readonly Audience[] = [ME, SALES, 'global'];

export const forAll = (number: number) => ({
  user: number,
  department: number,
  topic: number,
  global: number,
});

const HOUR_MS = 3_600_000;

export const ROOMY: InboxLimits = {
  maxLength: forAll(400),
  maxAgeMs: forAll(10 * HOUR_MS),
  dedupeMs: 60_000,
};

export const NO_LIMIT: InboxQuery = { filter: 'all', limit: 100 };

export function event(id: string, audience: readonly Audience[], rest: Partial<Event> = {}): Event {
  return { specversion: '1.0', id, source: '/test', type: 'test.made', audience: [...audience], ...rest };
}

/** A user inbox over the stores, and short ways to use it as ada. */
export function userOf(stores: Pick<Stores, 'inbox' | 'store'>, kept: InboxLimits = ROOMY) {
  const { inbox, store } = stores;
  let aheadMs = 0;
  const userInbox = new StoredInbox({
    inbox,
    store,
    kept,
    maxAnswerBytes: 524_288,
    now: () => Date.now() + aheadMs,
  });
  const deliver = createDeliver({
    appendQueue: new AppendQueue(inbox, () => {}),
    routing: new Routing([]),
    maxAudiences: 100,
    isSampled: () => false,
    observers: NO_OBSERVERS,
  });
  const list = async (query: Partial<InboxQuery> = {}, audiences = MINE) => {
    const page = await userInbox.list('ada', audiences, { ...NO_LIMIT, ...query });
    if (!page.ok) throw new Error(`${page.refusal.code} ${page.refusal.message}`);
    return inboxPageSchema.parse(page.value);
  };
  const open = async () => {
    const heads = await inbox.heads(MINE);
    const places = new Map(MINE.map((audience, i) => [audience, heads[i] ?? EMPTY_HEAD]));
    const { unseen, unread } = (await userInbox.open('ada', places)).counted;
    return { unseen, unread };
  };
  return {
    userInbox,
    list,
    ids: async (filter: InboxQuery['filter'] = 'all') =>
      (await list({ filter })).notifications.map(({ id }) => id),
    counts: async () => {
      const { unseen, unread } = await list();
      return { unseen, unread };
    },
    mark: (request: MarkRequest, origin = 'phone') => userInbox.mark('ada', MINE, request, origin),
    open,
    /** As a user whose first session was so long ago that no copy of an event is in doubt. */
    openLongAgo: async () => {
      aheadMs = -HOUR_MS;
      await open();
      aheadMs = 0;
    },
    /** From here on it is two hours later for who reads. */
    passTwoHours: () => {
      aheadMs = 2 * HOUR_MS;
    },
    /** One after the other, each at a later millisecond than the one before. */
    publish: async (...events: readonly Event[]) => {
      for (const one of events) {
        expect(await deliver(...lived(one))).toEqual({ kind: 'ack' });
        const now = Date.now();
        await until('the next millisecond', 1_000, () => Date.now() > now);
      }
    },
    /** At once, as a flood comes. */
    flood: async (audience: Audience, count: number, name = 'e') => {
      const ids = Array.from({ length: count }, (_, i) => `${name}${i + 1}`);
      await Promise.all(ids.map((id) => deliver(...lived(event(id, [audience])))));
    },
  };
}

export function toMarksMessages(bytes: readonly Buffer[]): MarksMessage[] {
  return bytes.flatMap((message) => decodeMarksMessage(message) ?? []);
}

/** The `marks` that a client gets. */
export function marksIn({ packet }: MarksMessage) {
  return marksSchema.parse(JSON.parse(packet.toString('utf8', 2))[1]);
}
