/** Where notifications are kept, and how gateways get them: Redis, or this process's memory. */
import type { Config } from '../config/config.ts';
import type { Directory } from '../contract/presence.ts';
import type { Signals } from '../contract/signal.ts';
import type { Live } from '../edge/gateway/live-messages.ts';
import type { Activity } from '../observe/activity/activity.ts';
import type { Probe } from '../observe/health.ts';
import type { Outcomes } from '../observe/outcomes/outcomes.ts';
import type { AdminCommandLog } from '../operate/access/admin-command-log.ts';
import type { Departments } from '../operate/access/departments.ts';
import type { PersonalRecords } from '../operate/personal-data/personal-records.ts';
import type { PresenceStore } from '../operate/presence/presence-store.ts';
import type { Inbox, InboxLimits } from '../pipeline/inbox/inbox.ts';
import type { MarksStore } from '../pipeline/inbox/marks-store.ts';
import type { RecentEntries } from '../pipeline/inbox/recent-entries.ts';
import { StoredInbox, type StoredInboxOptions } from '../pipeline/inbox/stored-inbox.ts';
import type { UserInbox } from '../pipeline/inbox/user-inbox.ts';
import type { UnreachedMemory } from '../reach/unreached-memory.ts';
import { answerBytes } from './context.ts';
import type { SharedCounts } from './shared-limits.ts';

export interface Store {
  readonly inbox: Inbox;
  readonly userInbox: UserInbox;
  /** The newest of shared logs; undefined where reading a log costs nothing, or where no client connects. */
  readonly recent: RecentEntries | undefined;
  readonly marks: MarksStore;
  readonly live: Live;
  readonly adminCommandLog: AdminCommandLog;
  readonly presence: PresenceStore;
  readonly directory: Directory;
  readonly departments: Departments;
  /** What lies under a user's own name, for erasing and exporting it. */
  readonly records: PersonalRecords;
  readonly outcomes: Outcomes;
  /** Undefined when there is no console. */
  readonly activity: Activity | undefined;
  /** Undefined when UNREACHED_AFTER is off. */
  readonly unreachedMemory: UnreachedMemory | undefined;
  /** What limits over all processes count. */
  readonly sharedCounts: SharedCounts;
  readonly probes: Readonly<Record<string, Probe>>;
  /**
   * The clock that all processes share, in milliseconds since 1970. Times that other processes compare are read from
   * it.
   */
  readonly now: () => number;
  /** Resolves when {@link now} is known, or after `withinMs`. Until then it is this machine's clock. */
  knowsTime(withinMs: number): Promise<void>;
  /** Whether a connection is ready for commands. Cheap. */
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

/** How long fetches and signals are remembered; undefined when UNREACHED_AFTER is off. */
export function unreachedKept({ UNREACHED_AFTER, DEDUPE_SECONDS }: Config) {
  if (UNREACHED_AFTER === 0) return undefined;
  const fetchedKeptMs = UNREACHED_AFTER * 1000 + MARGIN_MS;
  return { fetchedKeptMs, signalledKeptMs: DEDUPE_SECONDS * 1000 + fetchedKeptMs };
}

/** For checks that return late because no consumer was there. */
const MARGIN_MS = 7 * 86_400_000;

/** Remembers what users fetch, and emits a signal when they read. */
export function openUserInbox(
  config: Config,
  signals: Signals,
  {
    inbox,
    recent,
    marks,
    unreachedMemory,
    now,
  }: Pick<Store, 'inbox' | 'recent' | 'marks' | 'unreachedMemory' | 'now'>,
): UserInbox {
  return new StoredInbox({
    inbox,
    recent,
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
