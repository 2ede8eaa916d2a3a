/** Shows that appending and reading cost the same for any length of the log: 1, 100 and 10,000 entries. */
import type { Redis } from 'ioredis';
import type { RedisConnection } from '../../../src/adapters/redis/connections.ts';
import type { Audience } from '../../../src/contract/audience.ts';
import { channelOf } from '../../../src/edge/gateway/redis-live-messages.ts';
import { RedisMarksStore } from '../../../src/pipeline/inbox/redis-marks-store.ts';
import { StoredInbox } from '../../../src/pipeline/inbox/stored-inbox.ts';
import { inHand } from '../../support/load.ts';
import { fill, madeEntry } from '../support/entries.ts';
import { sized } from '../support/size.ts';
import { trafficOf } from '../support/traffic.ts';
import { openCommands, openInbox, same } from './connections.ts';
import { redisCostOf } from './redis-cost.ts';
import { type Section, spread } from './section.ts';

const LENGTHS = sized([1, 100, 10_000], [1, 100]);
const LOGS = sized(10, 2);
const ROUNDS = sized(5, 1);
const APPENDS = sized(1_000, 20);
const READS = sized(200, 4);
const RECENT = 10;
/** The limit of the logs that are only read. None of them is full. */
const MAX_LENGTH = 20_000;
const MARKS_KEPT_MS = 86_400_000;
/** How many entries a log keeps of those that it once had. Readers have to find out that the others are gone. */
const KEPT = 10;
const ONCE_HAD = sized(1_000, 100);

export async function logLength(url: string, observer: Redis): Promise<Section> {
  await observer.flushall();
  const redis = await openCommands(url);
  const logs: Prepared[] = [];
  for (const length of LENGTHS) logs.push(await prepare(redis, length));
  logs.push(await prepareDropped(redis));
  // In turns, so that other load on the machine affects all alike.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const { operations } of logs) {
      for (const { count, run, micros } of operations) {
        const { cpuMicros } = await redisCostOf(observer, () => inHand(1, count, run));
        // The first round only warms up.
        if (round > 0) micros.push(cpuMicros / count);
      }
    }
  }
  const rows: string[][] = [];
  for (const { length, operations } of logs) {
    for (const { what, run, micros } of operations) {
      const { rounds, commands, entries } = await trafficOf(redis, () => run(0));
      rows.push([what, String(length), spread(micros), String(rounds), String(commands), String(entries)]);
    }
  }
  redis.disconnect();
  return {
    title: 'By the length of the log',
    note: `${LOGS} logs of each length, 512 bytes an entry, one request at a time. Full means that \`INBOX_MAX_LENGTH\` is the length, so that each append drops the oldest; medians of ${ROUNDS} rounds with the lowest and the highest.`,
    columns: [
      'what',
      'entries in the log',
      'CPU-µs of Redis',
      'round trips',
      'commands sent',
      'entries read',
    ],
    rows: rows.toSorted(([a = ''], [b = '']) => a.localeCompare(b)),
  };
}

interface Operation {
  readonly what: string;
  readonly count: number;
  readonly run: (at: number) => Promise<unknown>;
  readonly micros: number[];
}

interface Prepared {
  readonly length: number;
  readonly operations: readonly Operation[];
}

async function prepare(redis: RedisConnection, length: number): Promise<Prepared> {
  // Appends go to full logs of their own, so that the logs for reading keep their length.
  const full = await logsOf(redis, `full-${length}`, length, length);
  const read = await logsOf(redis, `read-${length}`, MAX_LENGTH, length);
  return {
    length,
    operations: [
      operation('append to a full log', APPENDS, (at) => {
        const { audience } = full.at(at);
        return full.inbox.append(audience, [madeEntry(audience)]);
      }),
      operation(`the last ${RECENT}, as \`sync\` reads them`, READS, (at) =>
        read.inbox.read(read.at(at).audience, Math.max(1, length - RECENT + 1), length),
      ),
      pageOf('page of 50, nothing marked', read),
    ],
  };
}

async function prepareDropped(redis: RedisConnection): Promise<Prepared> {
  const logs = await logsOf(redis, 'dropped', KEPT, ONCE_HAD);
  return {
    length: KEPT,
    operations: [pageOf(`page of 50, nothing marked, when the log once had ${ONCE_HAD}`, logs)],
  };
}

type Logs = Awaited<ReturnType<typeof logsOf>>;

function pageOf(what: string, { userInbox, at }: Logs): Operation {
  return operation(what, READS, (turn) => {
    const { user, audience } = at(turn);
    return userInbox.list(user, [audience], { filter: 'all', limit: 50 });
  });
}

async function logsOf(redis: RedisConnection, name: string, maxLength: number, length: number) {
  const inbox = await openInbox(redis, maxLength);
  const store = new RedisMarksStore({ redis, channelOf, keptMs: MARKS_KEPT_MS });
  const userInbox = new StoredInbox({
    inbox,
    store,
    kept: { maxLength: same(maxLength), maxAgeMs: same(MARKS_KEPT_MS), dedupeMs: MARKS_KEPT_MS },
    maxAnswerBytes: 524_288,
    now: Date.now,
  });
  const logs = Array.from({ length: LOGS }, (_, i) => {
    const user = `${name}-${i}`;
    const audience: Audience = `user:${user}`;
    return { user, audience };
  });
  await fill(
    inbox,
    logs.map(({ audience }) => audience),
    length,
  );
  const at = (turn: number) => {
    const log = logs[turn % LOGS];
    if (log === undefined) throw new Error('there are no logs');
    return log;
  };
  return { inbox, userInbox, at };
}

function operation(what: string, count: number, run: (at: number) => Promise<unknown>): Operation {
  return { what, count, run, micros: [] };
}
