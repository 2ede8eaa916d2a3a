/** Gathers the facts about an event and a user, for explain.ts to weigh. Changes nothing. */
import { type Audience, audienceKind, isAudience } from '../../contract/audience.ts';
import { RETRACTION_TYPE } from '../../contract/event.ts';
import type { Explanation } from '../../contract/explanation.ts';
import { parseNotification } from '../../contract/notification.ts';
import type { Directory, UserPresence } from '../../contract/presence.ts';
import { type Title, titleOf } from '../../contract/title.ts';
import {
  collapseKeyOf,
  type Inbox,
  identityOf,
  type Place,
  type Stored,
} from '../../pipeline/inbox/inbox.ts';
import { type LogMarks, NO_MARKS, rebased } from '../../pipeline/inbox/marks.ts';
import type { MarksStore } from '../../pipeline/inbox/marks-store.ts';
import { contains } from '../../pipeline/inbox/ranges.ts';
import { type Copy, type DeviceFacts, explain, type Facts } from './explain.ts';
import type { Outcomes, SettledEvent } from './outcomes.ts';

export interface InvestigateOptions {
  readonly outcomes: Outcomes;
  readonly inbox: Inbox;
  readonly marks: MarksStore;
  readonly directory: Pick<Directory, 'sessionsOf'>;
  /** Finds a dead letter of this event, which has no outcome; without `source` of any. */
  readonly deadLettered: (
    id: string,
    source: string | undefined,
  ) => Promise<{ readonly source: string; readonly settled: SettledEvent } | undefined>;
  /** What waits in RabbitMQ and who consumes it; undefined when RabbitMQ does not answer. */
  readonly waiting: () => Promise<Facts['waiting']>;
  /** Why this process's canary has not come back, if so. */
  readonly stuck: () => string | undefined;
  readonly now: () => number;
}

interface Question {
  readonly user: string;
  readonly id: string;
  /** Needed only when events of several sources have the id. */
  readonly source?: string | undefined;
  /** Of whoever asks, the most wanted first: for the title. */
  readonly languages: readonly string[];
}

/** Rejects while Redis is away. */
export type Investigate = (
  question: Question,
) => Promise<Explanation | { readonly ambiguous: readonly string[] }>;

/** How many entries of a log are searched for an event whose outcome is no longer kept. */
const LOOKED_THROUGH = 1_000;

export function createInvestigate(options: InvestigateOptions): Investigate {
  const { outcomes, inbox, marks, directory, deadLettered, waiting, stuck, now } = options;
  return async ({ user, id, source, languages }) => {
    const [bySource, userMarks, devices] = await Promise.all([
      outcomes.find(id),
      marks.load(user),
      directory.sessionsOf(user).then(devicesOf),
    ]);
    const own = ownAudiences(user, userMarks.byAudience.keys(), devices);
    const sources = source === undefined ? await sourcesOf(id, bySource.keys(), own, inbox) : [source];
    if (sources.length > 1) return { ambiguous: sources };
    const [found] = sources;
    const outcome = found === undefined ? undefined : bySource.get(found);
    const topics = (outcome?.audiences ?? []).filter(
      (audience): audience is Audience => isAudience(audience) && audienceKind(audience) === 'topic',
    );
    const copies =
      found === undefined
        ? []
        : await Promise.all(
            [...own, ...topics].map((audience) =>
              copyIn(inbox, audience, { source: found, id }, userMarks.byAudience.get(audience)),
            ),
          );
    const known = copies.filter((copy) => copy !== undefined);
    const isNothingKnown = outcome === undefined && known.length === 0;
    const deadLetter = isNothingKnown ? await deadLettered(id, found) : undefined;
    const json = known.find(({ entry }) => entry !== undefined)?.entry?.json;
    return explain({
      event: { source: found ?? deadLetter?.source, id },
      user,
      nowMs: now(),
      settled: outcome ?? deadLetter?.settled,
      title: json === undefined ? undefined : titleIn(json, languages),
      copies: known,
      devices,
      waiting: await waiting(),
      stuck: stuck(),
    });
  };
}

/** Nobody sees what takes another one back. */
function titleIn(json: string, languages: readonly string[]): Title | undefined {
  const notification = parseNotification(json);
  return notification.type === RETRACTION_TYPE ? undefined : titleOf(notification, languages);
}

/** The audiences that may be the user's. Departments are those in which the user was ever seen. */
function ownAudiences(
  user: string,
  marked: Iterable<Audience>,
  devices: readonly DeviceFacts[],
): readonly Audience[] {
  const departments = [...marked, ...devices.flatMap(({ audiences }) => Object.keys(audiences))].filter(
    (audience): audience is Audience => isAudience(audience) && audienceKind(audience) === 'department',
  );
  return [...new Set<Audience>([`user:${user}`, ...departments, 'global'])];
}

async function sourcesOf(
  id: string,
  known: Iterable<string>,
  audiences: readonly Audience[],
  inbox: Inbox,
): Promise<readonly string[]> {
  const sources = new Set(known);
  if (sources.size > 0) return [...sources];
  const heads = await inbox.heads(audiences);
  const logs = await Promise.all(
    audiences.map((audience, i) => inbox.readNewest(audience, 1, heads[i]?.offset ?? 0, LOOKED_THROUGH)),
  );
  for (const { json } of logs.flat()) {
    const notification = parseNotification(json);
    if (notification.id === id) sources.add(notification.source);
  }
  return [...sources];
}

async function copyIn(
  inbox: Inbox,
  audience: Audience,
  event: { readonly source: string; readonly id: string },
  known: LogMarks | undefined,
): Promise<(Copy & { readonly entry: Stored | undefined }) | undefined> {
  const identity = identityOf(event);
  const [place] = await inbox.places(audience, [identity]);
  const at = place === undefined ? undefined : await entryAt(inbox, audience, place.offset, event);
  // The recorded offset is not used: after a loss of data it may belong to another event.
  const found = at === undefined ? ((await lookThrough(inbox, audience, event)) ?? place) : place;
  if (found === undefined) return undefined;
  const { offset } = found;
  const [entry, shadows, incarnations] = await Promise.all([
    at ?? entryAt(inbox, audience, offset, event),
    inbox.shadows(audience),
    inbox.incarnations(audience),
  ]);
  const marks = rebased(known ?? NO_MARKS, incarnations[0]?.epoch ?? NO_MARKS.epoch, incarnations);
  const key = entry === undefined ? undefined : collapseKeyOf(parseNotification(entry.json));
  return {
    audience,
    place: found,
    entry,
    incarnations,
    collapsedBy: behind(offset, key === undefined ? undefined : shadows.newest.get(key)),
    retractedBy: behind(offset, shadows.retracted.get(identity)),
    isBeforeJoining: offset <= marks.since,
    isSeen: contains(marks.seen, offset),
    isRead: contains(marks.read, offset),
    isArchived: contains(marks.archived, offset),
  };
}

/** Undefined when there is no entry, or when it is of another event. */
async function entryAt(
  inbox: Inbox,
  audience: Audience,
  offset: number,
  event: { readonly source: string; readonly id: string },
): Promise<Stored | undefined> {
  const [stored] = await inbox.read(audience, offset, offset);
  const { id, source } = stored === undefined ? {} : parseNotification(stored.json);
  return id === event.id && source === event.source ? stored : undefined;
}

/** Searches the log for an event that is older than repeats are recognised. */
async function lookThrough(
  inbox: Inbox,
  audience: Audience,
  { source, id }: { readonly source: string; readonly id: string },
): Promise<Place | undefined> {
  const [head] = await inbox.heads([audience]);
  const entries = await inbox.readNewest(audience, 1, head?.offset ?? 0, LOOKED_THROUGH);
  const entry = entries.find(({ json }) => {
    const notification = parseNotification(json);
    return notification.id === id && notification.source === source;
  });
  return entry === undefined ? undefined : { offset: entry.offset, route: undefined, gateways: undefined };
}

function behind(offset: number, other: number | undefined): number | undefined {
  return other !== undefined && other > offset ? other : undefined;
}

function devicesOf({ sessions, devices }: UserPresence): DeviceFacts[] {
  const present = sessions.map((session) => ({ ...session, name: session.device ?? session.session }));
  const gone = devices.map((device) => ({ ...device, name: device.device ?? 'a device without a name' }));
  return [...present, ...gone];
}
