/**
 * Exports all that is kept of a user as one JSON document, piece by piece, so that it takes little memory however much it
 * is. Each part is one of the inventory's.
 */

import type { z } from 'zod';
import type { Audience } from '../../contract/audience.ts';
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
import type { EventIdentity, FoundRecords, PersonalRecords } from './personal-records.ts';

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

/** Letters that one export looks at: about a minute. */
const MAX_DEAD_LETTERS = 50_000;

/** @throws in the first piece, when something is away that is needed */
export async function* exported(user: string, options: ExportOptions): AsyncGenerator<string> {
  const { records, marks, departments, presence, deadLetters, now } = options;
  // All that may be away is asked before the first piece: after that nothing but an end can be said.
  const given = await departments.of(user);
  const { sessions, devices } = await presence.stored(user);
  const { byAudience } = await marks.load(user);
  const found = deadLetters.find(user, MAX_DEAD_LETTERS);
  let letter = await found.next();
  try {
    yield `{${member('user', user)},${member('exportedAt', new Date(now()).toISOString())}`;
    yield* list('deadLetters', theRest());
  } finally {
    await found.return({ isPartial: true });
  }
  async function* theRest() {
    for (; !letter.done; letter = await found.next()) yield json(letter.value);
  }
  yield part('areDeadLettersPartial', letter.done === true && letter.value.isPartial);
  yield* list('inbox', notificationsOf(user, options));
  yield part('marks', Object.fromEntries(byAudience));
  yield part('departments', given ?? null);
  yield part('sessions', sessions);
  yield part('devices', devices);
  yield part('fetched', (await records.fetched(user)) ?? null);
  yield* list(
    'repeats',
    foundBy(user, options, ({ repeats }) => repeats.map(json)),
  );
  yield* list(
    'unreached',
    foundBy(user, options, ({ unreached }) => unreached.map(json)),
  );
  yield* list('outcomes', outcomesOf(user, options));
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

async function* foundBy(user: string, { records }: ExportOptions, texts: (found: FoundRecords) => string[]) {
  let from: string | undefined;
  do {
    const found = await records.search(user, from);
    yield* texts(found);
    from = found.next;
  } while (from !== undefined);
}

/** Of the events in the log, and of those that it does not hold any more but whose repeats are recognised. */
async function* outcomesOf(user: string, options: ExportOptions) {
  const told = new Set<string>();
  async function* events(): AsyncGenerator<EventIdentity> {
    yield* storedOf(user, options);
    let from: string | undefined;
    do {
      const found = await options.records.search(user, from);
      yield* found.repeats;
      from = found.next;
    } while (from !== undefined);
  }
  for await (const { source, id } of events()) {
    const name = `${source} ${id}`;
    if (told.has(name)) continue;
    told.add(name);
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
