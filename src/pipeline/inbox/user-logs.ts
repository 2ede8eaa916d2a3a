/** A user's logs: each with its head and the user's marks over it. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Audience, audienceKind } from '../../contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../../contract/notification.ts';
import { InboxUnavailable } from '../../resilience/unavailable.ts';
import type { Inbox } from './inbox.ts';
import { type LogMarks, NO_MARKS, rebased } from './marks.ts';
import type { MarksStore, UserMarks } from './marks-store.ts';
import { CONFLICT_COST, type Meter } from './meter.ts';
import type { UserLog } from './view.ts';

/** Another process saved each time in between: then the client may ask again. */
export const MAX_ATTEMPTS = 8;

/** Before the next attempt, a random part of this, twice as long each time. */
const FIRST_PAUSE_MS = 10;

interface Loaded {
  /** Of the marks. */
  readonly version: number;
  readonly logs: readonly UserLog[];
}

export class UserLogs {
  readonly #inbox: Pick<Inbox, 'heads' | 'incarnations'>;
  readonly #store: MarksStore;

  constructor({
    inbox,
    store,
  }: { readonly inbox: Pick<Inbox, 'heads' | 'incarnations'>; readonly store: MarksStore }) {
    this.#inbox = inbox;
    this.#store = store;
  }

  /** The user's logs up to their heads. */
  async load(user: string, audiences: readonly Audience[]): Promise<Loaded> {
    const [marks, places] = await Promise.all([this.#store.load(user), this.#heads(audiences)]);
    return await this.loadUpTo(places, user, marks);
  }

  /** The user's logs up to the places given. A department that was never seen before counts from its place on. */
  async loadUpTo(places: ReadonlyMap<Audience, Cursor>, user: string, loaded?: UserMarks): Promise<Loaded> {
    const store = this.#store;
    let marks = loaded ?? (await store.load(user));
    for (let attempt = 1; ; attempt += 1) {
      const { version } = marks;
      const { logs, joined } = await this.#logsOf(places, marks);
      if (joined === undefined) return { version, logs };
      if (await store.save(user, version, joined, undefined)) return { version: version + 1, logs };
      if (attempt === MAX_ATTEMPTS) break;
      await backOff(attempt, undefined);
      marks = await store.load(user);
    }
    throw new InboxUnavailable(`the marks of user ${user} changed ${MAX_ATTEMPTS} times in between`);
  }

  /** `joined`: the marks of departments that were never seen before; undefined when there are none. */
  async #logsOf(places: ReadonlyMap<Audience, Cursor>, { byAudience }: UserMarks) {
    const logs: UserLog[] = [];
    let joined: Map<Audience, LogMarks> | undefined;
    for (const [audience, head] of places) {
      const known = byAudience.get(audience);
      const { epoch } = head;
      if (known === undefined) {
        const isDepartment = audienceKind(audience) === 'department';
        const marks = isDepartment ? { ...NO_MARKS, epoch, since: head.offset } : { ...NO_MARKS, epoch };
        if (isDepartment) {
          joined ??= new Map();
          joined.set(audience, marks);
        }
        logs.push({ audience, head, marks });
      } else if (known.epoch === epoch) {
        logs.push({ audience, head, marks: known });
      } else if (known.epoch === EMPTY_HEAD.epoch) {
        // Nothing was there to be marked: all that is there now came later.
        logs.push({ audience, head, marks: { ...known, epoch } });
      } else {
        const incarnations = await this.#inbox.incarnations(audience);
        logs.push({ audience, head, marks: rebased(known, epoch, incarnations) });
      }
    }
    return { logs, joined };
  }

  async #heads(audiences: readonly Audience[]): Promise<ReadonlyMap<Audience, Cursor>> {
    const heads = await this.#inbox.heads(audiences);
    return new Map(audiences.map((audience, i) => [audience, heads[i] ?? EMPTY_HEAD]));
  }
}

/** Others that are in the way get out of it sooner when all do not come again at the same moment. */
export async function backOff(attempt: number, meter: Meter | undefined): Promise<void> {
  meter?.spend(CONFLICT_COST);
  await pause(Math.random() * FIRST_PAUSE_MS * 2 ** attempt);
}
