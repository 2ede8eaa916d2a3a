/** How many bytes in Redis do a notification, the keys that recognise its repeats, and a user's marks take? */
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Audience } from '../../../src/contract/audience.ts';
import { until } from '../../../test/support/until.ts';
import { decimal } from '../../support/figures.ts';
import { inHand } from '../../support/load.ts';
import { fill } from '../support/entries.ts';
import { sized } from '../support/size.ts';
import { useOf } from '../support/traffic.ts';
import { type Fact, report } from './facts.ts';
import { audiencesOf, openStore, placesOf } from './store.ts';

const LOGS = sized(100, 5);
const LOG_ENTRIES = sized(1_000, 100);
const SHORT_LENGTHS = sized([1, 10, 100], [1, 10]);
const USERS = sized(250, 10);
/** More keys than the users add, so that Redis does not double its key tables while users are measured. */
const FILLERS = sized(150_000, 1_000);
const SCATTERED = sized(100, 10);
const SCAN_COUNT = 5_000;
const SETTLE_MS = sized(500, 25);
const STEADY_BYTES = 1_000;
const MAX_SETTLE_MS = 20_000;

const { observer, inbox, userInbox } = await openStore();
// Redis shrinks one key table after the other. This Redis has many databases, so it has to look more often.
await observer.config('SET', 'hz', '500');

async function usedBy(write: () => Promise<unknown>): Promise<number> {
  const before = await settled();
  await write();
  return (await settled()) - before;
}

/** The used bytes, once they no longer change: Redis frees buffers and shrinks tables with a delay. */
async function settled(): Promise<number> {
  let used = Number.NaN;
  await until('the memory of Redis to settle', MAX_SETTLE_MS, async () => {
    const previous = used;
    await pause(SETTLE_MS);
    used = (await useOf(observer)).usedBytes;
    return Math.abs(used - previous) < STEADY_BYTES;
  });
  return used;
}

async function memoryUsage(redis: Redis, key: string): Promise<number> {
  const bytes = await redis.memory('USAGE', key, 'SAMPLES', 0);
  if (bytes === null) throw new Error(`there is no ${key}`);
  return bytes;
}

async function removeDedupeKeys(): Promise<void> {
  let removed = 0;
  let cursor = '0';
  do {
    const [next, keys] = await observer.scan(cursor, 'MATCH', 'carillon:*:once:*', 'COUNT', SCAN_COUNT);
    if (keys.length > 0) removed += await observer.del(...keys);
    cursor = next;
  } while (cursor !== '0');
  if (removed === 0) throw new Error('there are no dedupe keys by that name');
}

async function notifications(): Promise<Fact[]> {
  const audiences = Array.from({ length: LOGS }, (_, i): Audience => `user:${i}`);
  const entries = LOGS * LOG_ENTRIES;
  const all = await usedBy(() => fill(inbox, audiences, LOG_ENTRIES));
  const log = (await memoryUsage(observer, 'carillon:{user:0}:log')) / LOG_ENTRIES;
  const meta = await memoryUsage(observer, 'carillon:{user:0}:meta');
  const dedupe = -(await usedBy(removeDedupeKeys));
  return [
    {
      what: `memory of a notification of 512 bytes of JSON, in a log of ${decimal(LOG_ENTRIES)}`,
      measured: `${decimal((all - dedupe) / entries)} bytes (MEMORY USAGE: ${decimal(log)})`,
    },
    { what: 'memory of an audience besides its log', measured: `${decimal(meta)} bytes (MEMORY USAGE)` },
    {
      what: 'memory of a dedupe key, with an id of 36 and a source of 7 characters',
      measured: `${decimal(dedupe / entries)} bytes`,
    },
  ];
}

/** The bytes of a whole audience with a short log, without its dedupe keys. */
async function shortLogs(length: number): Promise<number> {
  const audiences = Array.from({ length: USERS }, (_, i): Audience => `user:${length}-${i}`);
  const bytes = await usedBy(async () => {
    await fill(inbox, audiences, length);
    await removeDedupeKeys();
  });
  return bytes / USERS;
}

/** The bytes per user that `mark` takes, for users with 20 notifications of their own. */
async function marks(name: string, mark: (user: string, audiences: readonly Audience[]) => Promise<unknown>) {
  const users = Array.from({ length: USERS }, (_, i) => `${name}-${i}`);
  await fill(
    inbox,
    users.map((user): Audience => `user:${user}`),
    20,
  );
  const bytes = await usedBy(() =>
    inHand(10, USERS, async (at) => {
      const user = users[at];
      if (user !== undefined) await mark(user, audiencesOf(user));
    }),
  );
  const key = `carillon:{user:${users[0]}}:marks`;
  const each = `${decimal(bytes / USERS)} bytes`;
  if ((await observer.exists(key)) === 0) return `${each} (nothing is kept)`;
  const encoding = await observer.object('ENCODING', key);
  return `${each} (MEMORY USAGE: ${decimal(await memoryUsage(observer, key))}, ${encoding})`;
}

async function begin(user: string, audiences: readonly Audience[]): Promise<void> {
  await userInbox.open(user, await placesOf(inbox, audiences));
}

const facts = await notifications();
await observer.eval(
  "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'filler:' .. i, '', 'EX', 3600) end",
  0,
  FILLERS,
);
const short: string[] = [];
for (const length of SHORT_LENGTHS) short.push(decimal(await shortLogs(length)));
await fill(inbox, audiencesOf('any').slice(1), LOG_ENTRIES);
const idsOf = async (audience: Audience, step: number) =>
  (await inbox.read(audience, 1, LOG_ENTRIES))
    .filter(({ offset }) => offset % step === 0)
    .map(({ json }): string => JSON.parse(json).id);
const scatteredIds = await idsOf('global', LOG_ENTRIES / SCATTERED);

// The first use of a script and of a connection takes memory too, so it is left out.
await marks('first', begin);
const withDepartments = await marks('joined', begin);
const without = await marks('plain', (user) => begin(user, [`user:${user}`, 'global']));
const all = await marks('tidy', (user, audiences) =>
  userInbox.mark(user, audiences, { as: 'read', all: true }, ''),
);
const scattered = await marks('picky', (user, audiences) =>
  userInbox.mark(user, audiences, { as: 'read', ids: scatteredIds }, ''),
);
report([
  ...facts,
  {
    what: `memory of an audience with ${SHORT_LENGTHS.join(' / ')} such notifications, log and all but dedupe keys`,
    measured: `${short.join(' / ')} bytes`,
  },
  { what: 'memory of the marks of a user who never marked, in no department', measured: without },
  { what: 'the same, in 3 departments', measured: withDepartments },
  { what: 'memory of marks, everything read by one `all`, 5 audiences', measured: all },
  {
    what: `memory of marks, ${SCATTERED} read one by one all over a log of ${decimal(LOG_ENTRIES)}`,
    measured: scattered,
  },
]);
