/**
 * Concludes from the facts about an event and a user why the user has it or not. A pure function: investigate.ts
 * gathers the facts.
 */
import { type Audience, audienceKind } from '../../contract/audience.ts';
import type { Explanation, Step, VerdictCode } from '../../contract/explanation.ts';
import { verdicts } from '../../contract/explanation.ts';
import { type Cursor, EMPTY_HEAD } from '../../contract/notification.ts';
import type { Title } from '../../contract/title.ts';
import type { Place } from '../../pipeline/inbox/inbox.ts';
import { holdsPlace, type Incarnation, reaches } from '../../pipeline/inbox/incarnations.ts';
import type { SettledEvent } from './outcomes.ts';

/** The event as it is in the log of one of the user's audiences, or of a topic. */
export interface Copy {
  readonly audience: Audience;
  readonly place: Place;
  /** Undefined when the log no longer holds it. */
  readonly entry:
    | { readonly epoch: string; readonly appendedAtMs: number; readonly expiresAtMs?: number | undefined }
    | undefined;
  /** The log's incarnations, newest first. */
  readonly incarnations: readonly Incarnation[];
  /** The offset of the notification that replaced or retracted it. */
  readonly collapsedBy?: number | undefined;
  readonly retractedBy?: number | undefined;
  readonly isBeforeJoining: boolean;
  readonly isSeen: boolean;
  readonly isRead: boolean;
  readonly isArchived: boolean;
}

/** A device that is or was connected. */
export interface DeviceFacts {
  readonly name: string;
  readonly node: string;
  readonly connectedAt: string;
  /** Undefined while it is connected. */
  readonly disconnectedAt?: string | undefined;
  /** Where it entered each audience or, once it has left, where it left. */
  readonly audiences: Readonly<Record<string, Cursor>>;
  /** The cursors that it presented when it connected. */
  readonly cursors?: Readonly<Record<string, Cursor>> | undefined;
}

export interface Facts {
  readonly event: { readonly source: string | undefined; readonly id: string };
  readonly user: string;
  readonly nowMs: number;
  readonly settled: SettledEvent | undefined;
  /** What a bell shows of it; undefined when no log that was looked into holds it, or nobody ever sees it. */
  readonly title: Title | undefined;
  /** Copies in the user's audiences first, then in topics. */
  readonly copies: readonly Copy[];
  readonly devices: readonly DeviceFacts[];
  /** Undefined when RabbitMQ does not answer. */
  readonly waiting: Waiting | undefined;
  /** Why this process's canary has not come back, if so: consumers may hold more than the queue shows. */
  readonly stuck: string | undefined;
}

/** RabbitMQ's queue: how much waits in it, and who consumes it. */
export interface Waiting {
  readonly events: number;
  /** Of partitions, at the one that has the fewest. */
  readonly consumers: number;
  /** Each by itself; none with one queue. Nobody who asks knows the event's key, and so which one it is in. */
  readonly partitions: readonly {
    readonly queue: string;
    readonly messages: number;
    readonly consumers: number;
  }[];
}

export function explain(facts: Facts): Explanation {
  const { event, user, settled, title } = facts;
  const own = facts.copies.filter(({ audience }) => audienceKind(audience) !== 'topic');
  const judged = own.map((copy) => verdictOf(copy, facts));
  const best = judged.toSorted((a, b) => RANK.indexOf(a.verdict) - RANK.indexOf(b.verdict))[0];
  const verdict = best?.verdict ?? verdictWithoutCopy(facts);
  return {
    event: { ...(event.source === undefined ? {} : { source: event.source }), id: event.id },
    user,
    verdict,
    message: verdicts[verdict],
    ...(title === undefined ? {} : { title: givenTitle(title, settled) }),
    steps: [
      ...(settled === undefined ? [] : settledSteps(settled)),
      ...(title === undefined ? [] : [shownStep(title, settled)]),
      ...judged.flatMap(({ steps }) => steps),
      ...facts.copies.filter(({ audience }) => audienceKind(audience) === 'topic').map(appended),
      ...(verdict === 'waiting' || verdict === 'unknown' ? queueSteps(facts) : []),
    ],
  };
}

/** The most informative verdict first: an event may reach a user in two audiences. */
const RANK: readonly VerdictCode[] = [
  'archived',
  'read',
  'delivered',
  'kept',
  'retracted',
  'collapsed',
  'expired',
  'trimmed',
  'before_joining',
];

function verdictWithoutCopy({ settled, copies, waiting, stuck }: Facts): VerdictCode {
  if (settled?.deadLetter !== undefined) return 'dead_letter';
  const isForTopics =
    settled?.audiences.every((audience) => audience.startsWith('topic:')) ?? copies.length > 0;
  if (settled !== undefined || copies.length > 0) return isForTopics ? 'topic_only' : 'not_an_audience';
  const isNoneWaiting = waiting?.events === 0 && waiting.consumers > 0 && stuck === undefined;
  return isNoneWaiting ? 'unknown' : 'waiting';
}

function givenTitle(title: Title, settled: SettledEvent | undefined): Explanation['title'] {
  const { text, language, from } = title;
  const route = from === 'route' ? settled?.titleRoute : undefined;
  return {
    text,
    from,
    ...(language === undefined ? {} : { language }),
    ...(route === undefined ? {} : { route }),
  };
}

function shownStep({ text, language, from }: Title, settled: SettledEvent | undefined): Step {
  const given = {
    route: settled?.titleRoute === undefined ? "by a route's display" : `by the route ${settled.titleRoute}`,
    data: settled?.madeBy === undefined ? 'from data.title' : `from data.title, as made by ${settled.madeBy}`,
    type: 'the words of its type: neither a route nor data.title says more',
  }[from];
  return {
    what: 'shown',
    detail: `"${text}"${language === undefined ? '' : ` (${language})`}, ${given}`,
  };
}

function settledSteps(settled: SettledEvent): Step[] {
  const { receivedAtMs, settledAtMs, queue = 'RabbitMQ', audiences, count, deadLetter, madeBy } = settled;
  const settledAt = new Date(settledAtMs).toISOString();
  const receivedAt = new Date(receivedAtMs).toISOString();
  const made = madeBy === undefined ? '' : `; the source ${madeBy} made it of a message`;
  const received: Step = {
    at: receivedAt,
    what: 'received',
    detail: `a consumer took it from ${queue}${made}`,
  };
  if (deadLetter !== undefined) {
    const { code, message, path } = deadLetter;
    const where = path === undefined || path === '' ? '' : ` (${path})`;
    return [received, { at: settledAt, what: 'dead_letter', detail: `${code}${where}: ${message}` }];
  }
  const more = count > audiences.length ? ` and ${count - audiences.length} more` : '';
  return [received, { at: settledAt, what: 'mapped', detail: `for ${audiences.join(', ')}${more}` }];
}

const counted = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`;

function queueSteps({ waiting, stuck }: Facts): Step[] {
  if (waiting === undefined) return [{ what: 'queue', detail: 'RabbitMQ cannot be asked' }];
  const { events, consumers, partitions } = waiting;
  const end = stuck === undefined ? '' : `, and events do not get through (${stuck})`;
  if (partitions.length === 0)
    return [
      {
        what: 'queue',
        detail: `${counted(events, 'event')} waiting, ${counted(consumers, 'consumer')}${end}`,
      },
    ];
  const notable = partitions.filter(({ messages, consumers }) => messages > 0 || consumers === 0);
  return [
    { what: 'queue', detail: `${counted(events, 'event')} waiting in ${partitions.length} partitions${end}` },
    ...notable.map(({ queue, messages, consumers }): Step => {
      const who = consumers === 0 ? 'without a consumer' : 'with a consumer';
      return { what: 'queue', detail: `${queue}: ${counted(messages, 'event')} waiting, ${who}` };
    }),
  ];
}

function verdictOf(
  copy: Copy,
  facts: Facts,
): { readonly verdict: VerdictCode; readonly steps: readonly Step[] } {
  const { entry, isSeen, isRead, isArchived } = copy;
  const devices = facts.devices.flatMap((device) => deviceSteps(copy, device));
  const has = devices.some(({ has }) => has);
  const steps = [appended(copy), ...devices.map(({ step }) => step)];
  const marks: Step = {
    what: 'marks',
    detail: `${copy.audience}: ${isArchived ? 'archived' : isRead ? 'read' : 'seen'}`,
  };
  if (isArchived) return { verdict: 'archived', steps: [...steps, marks] };
  if (isSeen || isRead) return { verdict: 'read', steps: [...steps, marks] };
  const gone = goneStep(copy, facts.nowMs);
  if (gone !== undefined) return { verdict: has ? 'delivered' : gone.verdict, steps: [...steps, gone.step] };
  if (has) return { verdict: 'delivered', steps };
  return { verdict: entry === undefined ? 'trimmed' : 'kept', steps };
}

function appended({ audience, place, entry }: Copy): Step {
  const route = place.route === undefined ? 'the event names it' : `by the route ${place.route}`;
  const nodes =
    place.gateways === undefined
      ? 'it is not known how many nodes hosted it'
      : `${counted(place.gateways, 'node')} hosted it at that moment`;
  const at = entry === undefined ? {} : { at: new Date(entry.appendedAtMs).toISOString() };
  return { ...at, what: 'appended', detail: `${audience} at offset ${place.offset} (${route}); ${nodes}` };
}

function goneStep(
  { audience, entry, place, collapsedBy, retractedBy, isBeforeJoining }: Copy,
  nowMs: number,
): { readonly verdict: VerdictCode; readonly step: Step } | undefined {
  const gone = (verdict: VerdictCode, detail: string, at?: number) => ({
    verdict,
    step: {
      ...(at === undefined ? {} : { at: new Date(at).toISOString() }),
      what: 'gone' as const,
      detail: `${audience}: ${detail}`,
    },
  });
  if (retractedBy !== undefined) return gone('retracted', `taken back by offset ${retractedBy}`);
  if (collapsedBy !== undefined) return gone('collapsed', `replaced by offset ${collapsedBy}`);
  if (entry === undefined) return gone('trimmed', `the log does not hold offset ${place.offset} any more`);
  const { expiresAtMs } = entry;
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs)
    return gone('expired', 'its time is over', expiresAtMs);
  return isBeforeJoining
    ? gone('before_joining', 'the user was first seen in the department later')
    : undefined;
}

/** The steps of one device for one copy; none if the device was never in the audience. */
function deviceSteps(
  { audience, place: { offset }, entry, incarnations }: Copy,
  device: DeviceFacts,
): { readonly has: boolean; readonly step: Step }[] {
  const there = device.audiences[audience];
  if (there === undefined) return [];
  const { name, node, connectedAt, disconnectedAt } = device;
  const presented = device.cursors?.[audience];
  const has = (cursor: Cursor) =>
    entry !== undefined && reaches(cursor, { epoch: entry.epoch, offset }, incarnations);
  // A device that was there before the log was first written was at its beginning.
  const isKnown = ({ epoch }: Cursor) =>
    epoch === EMPTY_HEAD.epoch ||
    (entry !== undefined && incarnations.some((incarnation) => incarnation.epoch === epoch));
  const isRecovered = presented !== undefined && isKnown(presented) && holdsPlace(incarnations, presented);
  const say = (has: boolean, detail: string, at: string) => [
    { has, step: { at, what: 'device' as const, detail: `${name} on ${node}: ${detail}` } },
  ];
  if (presented !== undefined && has(presented)) {
    return say(true, `said on connecting that it has offset ${presented.offset}`, connectedAt);
  }
  if (disconnectedAt === undefined) {
    if (!isKnown(there) || has(there)) {
      return say(
        isRecovered,
        isRecovered
          ? 'got it on connecting, behind its cursor'
          : 'connected later, without a cursor: it reads the inbox',
        connectedAt,
      );
    }
    return say(true, 'was connected and was sent it', connectedAt);
  }
  const wasThere = has(there);
  const cameBefore = entry !== undefined && Date.parse(connectedAt) <= entry.appendedAtMs;
  if (wasThere && (cameBefore || isRecovered)) return say(true, 'was sent it', connectedAt);
  return say(
    false,
    wasThere ? 'connected later, without a cursor' : `left at offset ${there.offset}, before it`,
    disconnectedAt,
  );
}
