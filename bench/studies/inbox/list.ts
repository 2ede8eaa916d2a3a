/**
 * What does the inbox cost for a user with five audiences whose logs have 1,000 entries each? Measures pages, counts
 * and marks.
 */
import type { InboxQuery } from '../../../src/contract/inbox.ts';
import { decimal, median } from '../../support/figures.ts';
import { costOf, inHand, latenciesMs } from '../../support/load.ts';
import { fill, SOURCE } from '../support/entries.ts';
import { sized } from '../support/size.ts';
import { trafficOf } from '../support/traffic.ts';
import { atMost, type Fact, report } from './facts.ts';
import { audiencesOf, openStore, placesOf } from './store.ts';

const LISTS = sized(80, 3);
const MAX_ROUNDS = 2;
const LOG_ENTRIES = sized(1_000, 60);
const PAGE = 50;
const QUERY: InboxQuery = { filter: 'all', limit: PAGE };

const MARKS = sized(30, 2);
const IDS = sized(100, 20);

const { redis, inbox, userInbox } = await openStore();

/** Measures what a request sends to Redis and reads from there, and how long it takes. */
async function costs(
  what: string,
  count: number,
  run: () => Promise<unknown>,
  maxRounds?: number,
): Promise<Fact> {
  const latencyMs = median(await latenciesMs(count, run));
  const cpuMs = (await costOf(() => inHand(1, count, run))).cpuMicros / count / 1_000;
  const { rounds, commands, entries } = await trafficOf(redis, run);
  const measured = `${rounds} round trips, ${commands} commands, ${decimal(entries)} entries read; ${decimal(latencyMs)} ms, ${decimal(cpuMs)} ms CPU of the gateway`;
  return {
    what,
    measured,
    ...(maxRounds === undefined ? {} : { target: atMost(maxRounds, 'round trips', rounds) }),
  };
}

const page = (what: string, user: string) =>
  costs(
    `page of ${PAGE} from 5 audiences with ${decimal(LOG_ENTRIES)} each, ${what}`,
    LISTS,
    () => userInbox.list(user, audiencesOf(user), QUERY),
    MAX_ROUNDS,
  );

async function begin(user: string): Promise<void> {
  await userInbox.open(user, await placesOf(inbox, audiencesOf(user)));
}

async function begun(what: string, user: string): Promise<Fact> {
  const places = await placesOf(inbox, audiencesOf(user));
  return await costs(
    `counts as a session begins, 5 audiences with ${decimal(LOG_ENTRIES)} each, ${what}`,
    LISTS,
    () => userInbox.open(user, places),
  );
}

// The sessions come first, because a user does not get what a department received before the user's first session.
// These users' marks belong to the present epoch of the logs. Only one user came before anything had been written;
// after a restart of Redis, everybody's marks are in that state.
await begin('early');
for (const user of ['new', 'tidy', 'alone']) {
  await fill(inbox, audiencesOf(user), 1);
  await begin(user);
}
await fill(inbox, [...audiencesOf('new'), 'user:early'], LOG_ENTRIES, 1);
const facts = [
  await page('nothing marked yet', 'new'),
  await page('nothing marked since the epoch changed', 'early'),
  await begun('nothing marked yet', 'new'),
];

const global = await inbox.read('global', 1, Number.MAX_SAFE_INTEGER);
const ids = global.slice(0, IDS).map(({ json }): string => JSON.parse(json).id);
const events = ids.map((id) => ({ source: SOURCE, id }));
const marking = (what: string, named: { readonly ids: string[] } | { readonly events: typeof events }) =>
  costs(`\`mark\` of ${IDS} ${what} in one of 5 logs of ${decimal(LOG_ENTRIES)}`, MARKS, () =>
    userInbox.mark('new', audiencesOf('new'), { as: 'read', ...named }, ''),
  );
facts.push(await marking('ids', { ids }), await marking('events', { events }));

await fill(inbox, ['user:tidy'], LOG_ENTRIES);
await userInbox.mark('tidy', audiencesOf('tidy'), { as: 'read', all: true }, '');
await fill(inbox, audiencesOf('tidy'), 2, 1);
facts.push(await page('10 unread', 'tidy'), await begun('10 unread', 'tidy'));

await fill(inbox, ['user:alone'], LOG_ENTRIES);
facts.push(await page('the newest 50 in one log', 'alone'));
report(facts);
