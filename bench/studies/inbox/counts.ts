/** Shows that counting does not slow down as the log grows: the same 10 unread in logs of 100, 1,000 and 10,000. */
import type { Audience } from '../../../src/contract/audience.ts';
import type { Counts } from '../../../src/contract/inbox.ts';
import { decimal, median } from '../../support/figures.ts';
import { latenciesMs } from '../../support/load.ts';
import { fill } from '../support/entries.ts';
import { sized } from '../support/size.ts';
import { trafficOf } from '../support/traffic.ts';
import { type Fact, report } from './facts.ts';
import { openStore, placesOf } from './store.ts';

const LENGTHS = sized([100, 1_000, 10_000], [20, 50, 100]);
const UNREAD = 10;
const COUNTS = sized(100, 5);
const ROUNDS = sized(7, 1);
/** More than noise alone would explain. */
const MAX_GROWTH = 1.3;

const { redis, inbox, userInbox } = await openStore(10_000);

interface Prepared {
  readonly count: () => Promise<Counts>;
  readonly latenciesMs: number[];
}

/** A user who has read everything except these places. */
async function prepared(user: string, length: number, unread: readonly number[]): Promise<Prepared> {
  const audience: Audience = `user:${user}`;
  await fill(inbox, [audience], length);
  const entries = await inbox.read(audience, 1, length);
  const ids = entries
    .filter(({ offset }) => unread.includes(offset))
    .map(({ json }): string => JSON.parse(json).id);
  await userInbox.mark(user, [audience], { as: 'read', all: true }, '');
  await userInbox.mark(user, [audience], { as: 'unread', ids }, '');
  const places = await placesOf(inbox, [audience]);
  const count = async () => (await userInbox.open(user, places)).counted;
  if ((await count()).unread !== UNREAD) throw new Error('marked in another way than meant');
  return { count, latenciesMs: [] };
}

async function counts(what: string, unreadPlaces: (length: number) => readonly number[]): Promise<Fact[]> {
  const logs: Prepared[] = [];
  for (const length of LENGTHS) {
    logs.push(await prepared(`${what.replaceAll(' ', '-')}-${length}`, length, unreadPlaces(length)));
  }
  // In turns, so that other load on the machine affects all alike.
  for (let i = 0; i < ROUNDS; i += 1) {
    for (const log of logs) log.latenciesMs.push(...(await latenciesMs(COUNTS, log.count)));
  }
  const found: { entries: number; commands: number; latencyMs: number }[] = [];
  for (const log of logs) {
    const { entries, commands } = await trafficOf(redis, log.count);
    if (entries < UNREAD) throw new Error(`counted ${UNREAD} unread, and saw ${entries} entries read`);
    found.push({ entries, commands, latencyMs: median(log.latenciesMs) });
  }
  const [shortest, longest] = [found.at(0), found.at(-1)];
  const growth = (longest?.latencyMs ?? 0) / (shortest?.latencyMs ?? 1);
  const each = (figure: 'entries' | 'commands' | 'latencyMs') =>
    found.map((f) => decimal(f[figure])).join(' / ');
  return [
    {
      what: `counts with ${UNREAD} unread, ${what}, in logs of ${LENGTHS.map(decimal).join(' / ')}: entries read`,
      measured: `${each('entries')} (${each('commands')} commands)`,
      target: { text: 'the same', met: found.every(({ entries }) => entries === shortest?.entries) },
    },
    {
      what: 'the same: latency',
      measured: `${each('latencyMs')} ms`,
      target: { text: `grows by ≤ ${decimal((MAX_GROWTH - 1) * 100)} %`, met: growth <= MAX_GROWTH },
    },
  ];
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
report([
  ...(await counts('the newest', (length) => upTo(UNREAD).map((i) => length - UNREAD + i))),
  ...(await counts('scattered', (length) => upTo(UNREAD).map((i) => (i * length) / UNREAD))),
]);
