/**
 * The inventory of a person's data: what is kept of a user, where, how it is exported and erased, and how long it would
 * live anyway. Export and erasure follow this table; docs/personal-data.md prints it, and tests hold both against it. A
 * key or a queue that the code names and this table does not makes a test fail.
 *
 * Whoever adds a key or a queue adds it here.
 */
import {
  DEAD_LETTERS,
  DELIVER_QUEUE,
  UNREACHED_DELAY_QUEUE,
  UNREACHED_QUEUE,
} from '../../adapters/rabbitmq/names.ts';
import {
  ADMIN_COMMANDS_KEY,
  admittedKeyOf,
  departmentsKeyOf,
  devicesKeyOf,
  erasureKeyOf,
  fetchedKeyOf,
  logKeysOf,
  manyKeysOf,
  marksKeyOf,
  outcomeKeyOf,
  publishedKeyOf,
  sessionsKeyOf,
} from '../../adapters/redis/keys.ts';

/** Where something lies. `*` stands for any text. */
interface KeptIn {
  /** Keys of the user alone, each known by its name. One command removes them all. */
  readonly keys?: (user: string) => readonly string[];
  /** Hashes of the user alone, of which only the fields older than the erasure go. */
  readonly hashes?: (user: string) => readonly string[];
  /** The beginning of the names of any number of keys of the user alone. */
  readonly many?: (user: string) => string;
  /** Keys that hold what is of others too. */
  readonly shared?: readonly string[];
  readonly queues?: readonly string[];
}

export interface KeptItem extends KeptIn {
  readonly what: string;
  /** How an export shows it, or why it does not. */
  readonly exported: string;
  /** What an erasure does with it, or why it stays. */
  readonly erased: string;
  /** How long it would live without an erasure. */
  readonly kept: string;
}

export const INVENTORY = {
  inbox: {
    what: "the user's own log of notifications",
    keys: (user) => logKeysOf(`user:${user}`),
    exported: 'each notification as it was written, newest first',
    erased: 'removed',
    kept: '`INBOX_MAX_AGE` after the newest',
  },
  marks: {
    what: 'what the user has seen, read and archived, in shared logs too',
    keys: (user) => [marksKeyOf(user)],
    exported: 'ranges of offsets, by audience',
    erased: 'removed',
    kept: 'twice the longest `INBOX_MAX_AGE`',
  },
  departments: {
    what: 'departments that an operator gave',
    keys: (user) => [departmentsKeyOf(user)],
    exported: 'their names',
    erased: 'removed',
    kept: 'without end',
  },
  sessions: {
    what: 'connected sockets: device, address, places in logs',
    hashes: (user) => [sessionsKeyOf(user)],
    exported: 'as stored',
    erased: 'closed, then removed',
    kept: '31 days after the last write',
  },
  devices: {
    what: 'devices that were connected, and when they left',
    hashes: (user) => [devicesKeyOf(user)],
    exported: 'as stored',
    erased: 'removed',
    kept: '31 days after the last write',
  },
  limits: {
    what: 'sessions that begin, and how much was published in a second',
    keys: (user) => [admittedKeyOf(user), publishedKeyOf(user)],
    exported: 'no: it counts what was a moment ago',
    erased: 'removed',
    kept: '`HANDSHAKE_SECONDS` and 15 s',
  },
  repeats: {
    what: 'which events the user was sent, to recognise repeats',
    many: (user) => manyKeysOf(user, 'once'),
    exported: 'source and id of each event',
    erased: 'removed',
    kept: '`DEDUPE_SECONDS`',
  },
  fetched: {
    what: 'where the log ended when the user last listed the inbox',
    keys: (user) => [fetchedKeyOf(`user:${user}`)],
    exported: 'the place',
    erased: 'removed',
    kept: '`UNREACHED_AFTER` and 7 days',
  },
  unreached: {
    what: 'which notifications were signalled as unreached',
    many: (user) => manyKeysOf(user, 'unreached'),
    exported: 'the places',
    erased: 'removed',
    kept: '`DEDUPE_SECONDS`, `UNREACHED_AFTER` and 7 days',
  },
  outcomes: {
    what: 'for `explain`: how events for the user were settled',
    shared: [outcomeKeyOf('*')],
    exported: 'of the events in `inbox` and `repeats`',
    erased: "the user's name is taken out, and the outcome if it names no other",
    kept: '`TRAIL_SECONDS`',
  },
  commands: {
    what: "operators' commands about the user",
    shared: [ADMIN_COMMANDS_KEY],
    exported: 'as stored',
    erased: "removed but for the erasure's own, which refuses the older tokens",
    kept: '`JWT_MAX_DAYS`',
  },
  deadLetters: {
    what: 'events for the user that could not be delivered',
    queues: [DEAD_LETTERS],
    exported: 'body, reason and time',
    erased: "discarded, or written anew without the user's name",
    kept: 'until an operator handles them',
  },
  waiting: {
    what: 'events for the user that wait for a consumer',
    queues: [DELIVER_QUEUE, `${DELIVER_QUEUE}.*`],
    exported: 'no: a queue cannot be searched',
    erased: 'not delivered to the user when their turn comes',
    kept: 'until a consumer takes them',
  },
  checks: {
    what: 'source, id and place of notifications to be checked',
    queues: [UNREACHED_DELAY_QUEUE, UNREACHED_QUEUE],
    exported: 'no: a queue cannot be searched',
    erased: 'thrown away when their turn comes, without a signal',
    kept: '`UNREACHED_AFTER`',
  },
  erasure: {
    what: 'how far an erasure has come',
    keys: (user) => [erasureKeyOf(user)],
    exported: 'no: it says nothing of the user',
    erased: 'removed when the erasure is complete',
    kept: '31 days',
  },
} as const satisfies Readonly<Record<string, KeptItem>>;

export const ITEMS: readonly (readonly [string, KeptItem])[] = Object.entries(INVENTORY);

/** The names of all keys that go as they are; the erasure's own is the last to go. */
export function namedKeysOf(user: string): readonly string[] {
  return ITEMS.flatMap(([, { keys }]) => keys?.(user) ?? []).filter((key) => key !== erasureKeyOf(user));
}
