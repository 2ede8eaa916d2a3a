/** A service in one process and in virtual time, without servers and clocks, next to a model of what it should show. */
import type { Audience } from '../../src/contract/audience.ts';
import type { InboxQuery, MarkRequest } from '../../src/contract/inbox.ts';
import { createDeliver } from '../../src/pipeline/deliver.ts';
import { NO_OBSERVERS } from '../../src/pipeline/event-observer.ts';
import { AppendQueue } from '../../src/pipeline/inbox/append-queue.ts';
import { MemoryMarksStore } from '../../src/pipeline/inbox/marks-store.ts';
import { MemoryInbox } from '../../src/pipeline/inbox/memory-inbox.ts';
import { StoredInbox } from '../../src/pipeline/inbox/stored-inbox.ts';
import { Routing } from '../../src/pipeline/routing/routing.ts';
import { BY_RANK, eventOf, InboxModel, type Made } from './inbox-model.ts';
import { lived } from './lived.ts';

const HOUR_MS = 3_600_000;
const byKind = (value: number) => ({ user: value, department: value, topic: value, global: value });

/** Resolves when everything that was begun in this turn of the event loop is done, with what follows from it. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A receiver of everything that is published to an audience's room. */
interface Room {
  publish(audience: Audience, bytes: Buffer): void;
}

export class ScriptedService {
  readonly links: Room[] = [];
  readonly model: InboxModel;
  readonly inbox: MemoryInbox;
  readonly userInbox: StoredInbox;
  nowMs = Date.parse('2026-11-20T09:00:00Z');
  readonly #deliver: ReturnType<typeof createDeliver>;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  constructor(maxLength: number) {
    const now = () => this.nowMs;
    const publish = (audience: Audience, bytes: Buffer) => {
      for (const link of this.links) link.publish(audience, bytes);
      return 1;
    };
    const limits = {
      maxLength: byKind(maxLength),
      maxAgeMs: byKind(1_000 * HOUR_MS),
      dedupeMs: 1_000 * HOUR_MS,
    };
    this.model = new InboxModel(maxLength);
    this.inbox = new MemoryInbox({ limits, now, publish });
    const store = new MemoryMarksStore((audience, bytes) => void publish(audience, bytes));
    this.userInbox = new StoredInbox({
      inbox: this.inbox,
      store,
      kept: limits,
      maxAnswerBytes: 524_288,
      now,
    });
    this.#deliver = createDeliver({
      appendQueue: new AppendQueue(this.inbox, () => {}),
      routing: new Routing([]),
      maxAudiences: 10,
      isSampled: () => false,
      observers: NO_OBSERVERS,
    });
  }

  async make(made: Made): Promise<void> {
    await this.#deliver(...lived(eventOf(made, this.nowMs), this.nowMs));
    this.model.make(made, this.nowMs);
  }

  async mark(request: MarkRequest, origin = '') {
    const marked = await this.userInbox.mark('ada', BY_RANK, request, origin);
    if (marked.ok) this.model.mark(request);
    return marked;
  }

  /** All pages of a filter, with the counts. */
  async list(filter: InboxQuery['filter']) {
    const notifications = [];
    for (let before: string | undefined; ; ) {
      const page = await this.userInbox.list('ada', BY_RANK, { filter, limit: 100, before });
      if (!page.ok) throw new Error(page.refusal.message);
      const { next, unseen, unread } = page.value;
      notifications.push(...page.value.notifications);
      if (next === undefined) return { notifications, unseen, unread };
      before = next;
    }
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + Math.max(0, delayMs), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.run();
      await settled();
    }
    this.nowMs = endMs;
  }
}
