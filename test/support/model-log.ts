/**
 * A model of a log on two machines that behaves like append.lua, fence.lua and heads.lua. It needs no Redis and runs
 * thousands of lives a second.
 */

import { type Cursor, EMPTY_HEAD } from '../../src/contract/notification.ts';
import type { Appended, Inbox, Stored } from '../../src/pipeline/inbox/inbox.ts';
import type { Incarnation } from '../../src/pipeline/inbox/incarnations.ts';
import type { Removable, SharedLog } from './shared-log.ts';

interface State {
  meta: { reign?: string; epoch?: string; head?: number; epochs: Incarnation[] };
  /** Undefined when there is no log. `last` stays when entries are removed. */
  log: { entries: Stored[]; last: number } | undefined;
  once: Map<string, Cursor>;
}

interface Machine {
  /** Changes with every new process and with every promotion. */
  reign: string;
  state: State;
}

const EMPTY: State = { meta: { epochs: [] }, log: undefined, once: new Map() };

export class ModelLog implements SharedLog {
  /** Awaited before each answer. The answer is what the log held when the question was asked. */
  delay: () => Promise<unknown> = async () => {};
  readonly inbox: Inbox;
  #count = 0;
  #serving: Machine = this.#begun(EMPTY);
  #other: Machine = this.#begun(EMPTY);
  #backup: State = EMPTY;

  constructor() {
    const never = () => Promise.reject(new Error('nobody asks this here'));
    this.inbox = {
      append: never,
      readNewest: never,
      readEnvelopes: never,
      places: never,
      shadows: never,
      heads: () => this.#answer([this.#head()]),
      fence: (_audience, place) => this.#answer(this.#fence(place)),
      read: (_audience, first, last) =>
        this.#answer(this.#entries.filter(({ offset }) => offset >= first && offset <= last)),
      incarnations: () => this.#answer([...this.#state.meta.epochs]),
    };
  }

  async append(ids: readonly string[]): Promise<readonly Appended[]> {
    const state = this.#state;
    this.#repair(state);
    const { meta, once } = state;
    const appended: Appended[] = [];
    for (const id of ids) {
      const first = once.get(id);
      if (first !== undefined && this.#isKept(first)) {
        appended.push({ epoch: first.epoch, offset: first.offset, repeat: true, gateways: 0 });
        continue;
      }
      if (meta.reign !== this.#serving.reign) this.#beginEpoch(state);
      const { epoch = '' } = meta;
      const offset = (meta.head ?? 0) + 1;
      meta.head = offset;
      state.log ??= { entries: [], last: 0 };
      const json = JSON.stringify({ id, source: '/s', type: 't', epoch, offset });
      state.log.entries.push({ epoch, offset, json, appendedAtMs: 0 });
      state.log.last = offset;
      once.set(id, { epoch, offset });
      appended.push({ epoch, offset, repeat: false, gateways: 1 });
    }
    return appended;
  }

  async replicate(): Promise<void> {
    this.#other = this.#begun(this.#state);
  }

  async failOver(): Promise<void> {
    [this.#serving, this.#other] = [this.#other, this.#serving];
    await this.replicate();
  }

  async restart(): Promise<void> {
    this.#serving = this.#begun(this.#state);
  }

  async backUp(): Promise<void> {
    this.#backup = structuredClone(this.#state);
  }

  async restore(): Promise<void> {
    this.#serving = this.#begun(this.#backup);
  }

  async remove(what: Removable): Promise<void> {
    const state = this.#state;
    if (what === 'head') delete state.meta.head;
    if (what === 'meta' || what === 'log and meta') state.meta = { epochs: [] };
    if (what === 'log' || what === 'log and meta') state.log = undefined;
    if (what === 'everything') this.#serving.state = structuredClone(EMPTY);
  }

  get #state(): State {
    return this.#serving.state;
  }

  get #entries(): readonly Stored[] {
    return this.#state.log?.entries ?? [];
  }

  #begun(state: State): Machine {
    this.#count += 1;
    return { reign: `reign ${this.#count}`, state: structuredClone(state) };
  }

  #head(): Cursor {
    const { epoch, head } = this.#state.meta;
    if (head !== undefined) return { epoch: epoch ?? EMPTY_HEAD.epoch, offset: head };
    const newest = this.#entries.at(-1);
    return { epoch: epoch ?? newest?.epoch ?? EMPTY_HEAD.epoch, offset: newest?.offset ?? 0 };
  }

  #repair({ meta, log }: State): void {
    if (meta.head !== undefined) return;
    delete meta.reign;
    meta.head = log?.last ?? 0;
    const newest = log?.entries.at(-1);
    if (meta.epoch !== undefined || newest === undefined) return;
    meta.epoch = newest.epoch;
    meta.epochs = [{ epoch: newest.epoch, firstOffset: newest.offset }];
  }

  #beginEpoch({ meta, log }: State): void {
    this.#count += 1;
    meta.head = Math.max(meta.head ?? 0, log?.last ?? 0);
    meta.reign = this.#serving.reign;
    meta.epoch = `e${this.#count}`;
    meta.epochs = [{ epoch: meta.epoch, firstOffset: meta.head + 1 }, ...meta.epochs];
  }

  #isKept({ epoch, offset }: Cursor): boolean {
    const { epochs, head = 0 } = this.#state.meta;
    const at = epochs.findIndex((known) => known.epoch === epoch);
    if (at === -1) return this.#entries.some((entry) => entry.epoch === epoch && entry.offset === offset);
    return offset <= Math.min(head, ...epochs.slice(0, at).map(({ firstOffset }) => firstOffset - 1));
  }

  #fence({ epoch, offset }: Cursor): Cursor {
    const before = this.#head();
    if (before.epoch === epoch && before.offset < offset) {
      this.#repair(this.#state);
      this.#beginEpoch(this.#state);
    }
    return this.#head();
  }

  async #answer<T>(answer: T): Promise<T> {
    await this.delay();
    return answer;
  }
}
