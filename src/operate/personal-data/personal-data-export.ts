/**
 * Exports all that is kept of a user as one JSON document, piece by piece, so that it takes little memory however much it
 * is. Each part is one of the inventory's.
 */

import type { z } from 'zod';
import type { Audience } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';
import type { personalDataSchema } from '../../contract/personal-data.ts';
import { visible } from '../../contract/visible.ts';
import { jsonTextOf } from '../../contract/written.ts';
import type { Inbox } from '../../pipeline/inbox/inbox.ts';
import type { MarksStore } from '../../pipeline/inbox/marks-store.ts';
import { notificationIn } from '../../pipeline/inbox/stored-notification.ts';
import { isAbout } from '../access/admin-command.ts';
import type { AdminCommandLog } from '../access/admin-command-log.ts';
import type { Departments } from '../access/departments.ts';
import type { UserDeadLetters } from '../dead-letters/dead-letters-of-user.ts';
import type { PresenceStore } from '../presence/presence-store.ts';
import type { EventIdentity, PersonalRecords } from './personal-records.ts';

export interface ExportOptions {
  readonly records: Pick<PersonalRecords, 'search' | 'fetched'>;
  readonly inbox: Pick<Inbox, 'heads' | 'readNewest'>;
  readonly marks: Pick<MarksStore, 'load'>;
  readonly departments: Pick<Departments, 'of'>;
  readonly presence: Pick<PresenceStore, 'stored'>;
  readonly outcomes: { find(id: string): Promise<ReadonlyMap<string, Settled>> };
  readonly commandLog: Pick<AdminCommandLog, 'page'>;
  readonly deadLetters: Pick<UserDeadLetters, 'find'>;
  readonly now: () => number;
}

/** What is used of an event's outcome. */
interface Settled {
  readonly receivedAtMs: number;
  readonly settledAtMs: number;
  readonly audiences: readonly string[];
  readonly deadLetter?: { readonly code: string } | undefined;
}

type Part = Exclude<keyof z.infer<typeof personalDataSchema>, 'user' | 'exportedAt'>;

/** Notifications that are read at once: each may have a megabyte. */
const ENTRIES = 10;

/** Dead letters that one export looks at: about a minute. */
const MAX_DEAD_LETTERS = 50_000;

/** @throws in the first piece, when something is away that is needed */
export async function* exported(user: string, options: ExportOptions): AsyncGenerator<string> {
  const { records, marks, departments, presence, deadLetters, now } = options;
  // All that may be away is asked before the first piece: after that nothing but an end can be said.
  const given = await departments.of(user);
  const { sessions, devices } = await presence.stored(user);
  const { byAudience } = await marks.load(user);
  const found = deadLetters.find(user, MAX_DEAD_LETTERS);
  let deadLetter = await found.next();
  try {
    yield `{${member('user', user)},${member('exportedAt', new Date(now()).toISOString())}`;
    yield* list('deadLetters', theRest());
  } finally {
    await found.return({ isPartial: true });
  }
  async function* theRest() {
    for (; !deadLetter.done; deadLetter = await found.next()) yield json(deadLetter.value);
  }
  yield part('areDeadLettersPartial', deadLetter.done === true && deadLetter.value.isPartial);
  yield* list('inbox', notificationsOf(user, options));
  yield part('marks', Object.fromEntries(byAudience));
  yield part('departments', given ?? null);
  yield part('sessions', sessions);
  yield part('devices', devices);
  yield part('fetched', (await records.fetched(user)) ?? null);
  const searched = new Searched(user, records);
  yield* list('repeats', searched.repeats());
  yield part('unreached', searched.unreached);
  yield* list('outcomes', outcomesOf(user, options, searched.events));
  yield* list('commands', commandsOf(user, options));
  yield '}\n';
}

async function* storedOf(user: string, { inbox }: Pick<ExportOptions, 'inbox'>) {
  const audience: Audience = `user:${user}`;
  const [head] = await inbox.heads([audience]);
  for (let last = head?.offset ?? 0; last > 0; ) {
    const entries = await inbox.readNewest(audience, 1, last, ENTRIES);
    yield* entries.map(({ json: text, appendedAtMs }) => notificationIn(text, appendedAtMs));
    last = entries.length < ENTRIES ? 0 : (entries.at(-1)?.offset ?? 1) - 1;
  }
}

async function* notificationsOf(user: string, options: ExportOptions) {
  for await (const notification of storedOf(user, options)) yield visible(jsonTextOf(notification));
}

/** What has to be searched for. All of the store is looked through for it, so that is done once. */
class Searched {
  readonly #user: string;
  readonly #records: ExportOptions['records'];
  /** Those of {@link repeats}, and what was found with them. There once its end has been read. */
  readonly events: EventIdentity[] = [];
  readonly unreached: Cursor[] = [];

  constructor(user: string, records: ExportOptions['records']) {
    this.#user = user;
    this.#records = records;
  }

  async *repeats(): AsyncGenerator<string> {
    let from: string | undefined;
    do {
      const { repeats, unreached, next } = await this.#records.search(this.#user, from);
      yield* repeats.map(json);
      this.events.push(...repeats);
      this.unreached.push(...unreached);
      from = next;
    } while (from !== undefined);
  }
}

/** Of the events in the log, and of those that it does not hold any more but whose repeats are recognised. */
async function* outcomesOf(user: string, options: ExportOptions, repeats: readonly EventIdentity[]) {
  const seen = new Set<string>();
  async function* events(): AsyncGenerator<EventIdentity> {
    yield* storedOf(user, options);
    yield* repeats;
  }
  for await (const { source, id } of events()) {
    const name = `${source} ${id}`;
    if (seen.has(name)) continue;
    seen.add(name);
    const settled = (await options.outcomes.find(id)).get(source);
    if (settled === undefined || !settled.audiences.includes(`user:${user}`)) continue;
    const { receivedAtMs, settledAtMs, deadLetter } = settled;
    yield json({
      source,
      id,
      receivedAt: new Date(receivedAtMs).toISOString(),
      settledAt: new Date(settledAtMs).toISOString(),
      deadLetter: deadLetter?.code,
    });
  }
}

async function* commandsOf(user: string, { commandLog }: ExportOptions) {
  for (
    let page = await commandLog.page(undefined);
    page.length > 0;
    page = await commandLog.page(page.at(-1)?.place)
  )
    for (const { command } of page) if (command !== undefined && isAbout(command, user)) yield json(command);
}

/** A part that may be long, element by element. */
async function* list(name: Part, elements: AsyncIterable<string>): AsyncGenerator<string> {
  yield `,${json(name)}:[`;
  let separator = '';
  for await (const element of elements) {
    yield `${separator}\n${element}`;
    separator = ',';
  }
  yield ']';
}

function part(name: Part, value: unknown): string {
  return `,\n${member(name, value)}`;
}

function member(name: string, value: unknown): string {
  return `${json(name)}:${json(value)}`;
}

/** An operator may read it in a terminal; the JSON stays equivalent. */
function json(value: unknown): string {
  return visible(JSON.stringify(value));
}
