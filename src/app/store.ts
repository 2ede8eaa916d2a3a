/** Where notifications are kept, and how they come from there to gateways: Redis, or this process's memory. */
import type { Config } from '../config/config.ts';
import type { Directory } from '../contract/presence.ts';
import type { Signals } from '../contract/signal.ts';
import type { Live } from '../edge/gateway/live-messages.ts';
import type { Activity } from '../observe/activity/activity.ts';
import type { Probe } from '../observe/health.ts';
import type { Outcomes } from '../observe/outcomes/outcomes.ts';
import type { AdminCommandLog } from '../operate/access/admin-command-log.ts';
import type { Departments } from '../operate/access/departments.ts';
import type { PresenceStore } from '../operate/presence/presence-store.ts';
import type { Inbox, InboxLimits } from '../pipeline/inbox/inbox.ts';
import type { MarksStore } from '../pipeline/inbox/marks-store.ts';
import { StoredInbox, type StoredInboxOptions } from '../pipeline/inbox/stored-inbox.ts';
import type { UserInbox } from '../pipeline/inbox/user-inbox.ts';
import type { UnreachedMemory } from '../reach/unreached-memory.ts';
import { answerBytes } from './context.ts';

export interface Store {
  readonly inbox: Inbox;
  readonly userInbox: UserInbox;
  readonly marks: MarksStore;
  readonly live: Live;
  readonly adminCommandLog: AdminCommandLog;
  readonly presence: PresenceStore;
  readonly directory: Directory;
  readonly departments: Departments;
  readonly outcomes: Outcomes;
  /** Undefined when there is no console. */
  readonly activity: Activity | undefined;
  /** Undefined when nobody wants to know whom nothing has reached. */
  readonly unreachedMemory: UnreachedMemory | undefined;
  readonly probes: Readonly<Record<string, Probe>>;
  /** The time that all processes go by, in milliseconds since 1970: what is compared with another process's is told in it. */
  readonly now: () => number;
  /** Resolves when {@link now} is known, or the time to wait for it is over; until then it is this machine's. */
  knowsTime(withinMs: number): Promise<void>;
  /** Whether there is a connection that takes commands. Cheap. */
  isReachable(): boolean;
}

export function inboxLimits(config: Config): InboxLimits {
  const { user, department, topic, global } = config.INBOX_MAX_AGE;
  return {
    maxLength: config.INBOX_MAX_LENGTH,
    maxAgeMs: {
      user: user * 1000,
      department: department * 1000,
      topic: topic * 1000,
      global: global * 1000,
    },
    dedupeMs: config.DEDUPE_SECONDS * 1000,
  };
}

/** How long it is remembered what was fetched and signalled; undefined when nobody wants to know whom nothing has reached. */
export function unreachedKept({ UNREACHED_AFTER, DEDUPE_SECONDS }: Config) {
  if (UNREACHED_AFTER === 0) return undefined;
  const fetchedKeptMs = UNREACHED_AFTER * 1000 + MARGIN_MS;
  return { fetchedKeptMs, signalledKeptMs: DEDUPE_SECONDS * 1000 + fetchedKeptMs };
}

/** For checks that wait longer than they were told to, because no consumer is there. */
const MARGIN_MS = 7 * 86_400_000;

/** What users fetch is remembered, and what they read is a signal. */
export function openUserInbox(
  config: Config,
  signals: Signals,
  { inbox, marks, unreachedMemory, now }: Pick<Store, 'inbox' | 'marks' | 'unreachedMemory' | 'now'>,
): UserInbox {
  return new StoredInbox({
    inbox,
    store: marks,
    now,
    kept: inboxLimits(config),
    maxAnswerBytes: answerBytes(config),
    onListed: (user, head) => unreachedMemory?.fetched(`user:${user}`, head),
    ...(signals.wants('notification.read') ? { onRead: readSignal(signals) } : {}),
  });
}

function readSignal(signals: Signals): NonNullable<StoredInboxOptions['onRead']> {
  return (user, as, { ids, events, upTo, all }, origin) =>
    signals.emit('notification.read', {
      user,
      as,
      ids,
      events,
      upTo,
      all,
      by: origin === '' ? 'http' : origin,
    });
}
