/**
 * Requests of one user by the hundred, over sockets and HTTP, of random kinds and sizes within the limits: each is
 * answered, no answer is too large, what they cost stays within the budget, and others are served. Seeded; what is
 * judged are counts.
 */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { TestClient } from '../../../support/client.ts';
import { type OwnProgram, ownPrograms } from '../../../support/own-program.ts';
import { scrape, sumOf } from '../../../support/scrape.ts';

const start = ownPrograms();

const SEEDS = [1, 2, 3];
const PER_SECOND = 500;
const AT_ONCE = 3;
const MAX_BYTES = 16_384;
const REQUESTS = 240;

/** More than any request costs: the two logs read from end to end for each of its three looks. */
const MOST_OF_ONE = 10 + 3 * 2 * 160 * 3;

/** Of an answer, besides the notifications. */
const AROUND_BYTES = 1_024;

/** Numbers that follow from the seed alone. */
function numbersFrom(seed: number) {
  let count = 0;
  const next = (below: number) => {
    count += 1;
    return createHash('sha1').update(`${seed} ${count}`).digest().readUInt32BE() % below;
  };
  return {
    next,
    one: <T>(first: T, ...more: readonly T[]): T => [first, ...more][next(1 + more.length)] ?? first,
  };
}

type Numbers = ReturnType<typeof numbersFrom>;

const AUDIENCES = ['user:ada', 'global', 'user:bob', 'topic:news'] as const;

function idsOf({ next }: Numbers) {
  return Array.from({ length: 1 + next(100) }, () => `e${next(400)}`);
}

function cursorsOf({ next, one }: Numbers) {
  const epoch = one('0', '0', 'abad1dea');
  const some = AUDIENCES.slice(next(2), 1 + next(AUDIENCES.length));
  return Object.fromEntries(some.map((audience) => [audience, { epoch, offset: next(200) }]));
}

function markOf(numbers: Numbers) {
  const { next, one } = numbers;
  const as = one('seen', 'read', 'unread', 'archived');
  const upTo = { [one(...AUDIENCES)]: next(200) };
  return { as, ...one<object>({ ids: idsOf(numbers) }, { ids: idsOf(numbers) }, { all: true }, { upTo }) };
}

function queryOf({ next, one }: Numbers) {
  return { filter: one('all', 'unseen', 'unread', 'archived'), limit: 1 + next(100) };
}

function requestOf(numbers: Numbers): readonly [string, unknown] {
  const { next, one } = numbers;
  return one<readonly [string, unknown]>(
    ['sync', { cursors: cursorsOf(numbers), ...one<object>({}, { partial: true }) }],
    ['subscribe', { topic: one('news', 'chat'), last: 1 + next(300) }],
    ['subscribe', { topic: 'news', cursor: { epoch: '0', offset: next(200) } }],
    ['unsubscribe', { topic: 'news' }],
    ['inbox', queryOf(numbers)],
    ['inbox', { before: 'x'.repeat(next(5_000)) }],
    ['mark', markOf(numbers)],
    ['mark', markOf(numbers)],
    ['publish', { topic: 'chat', type: 'chat.said', data: { text: 'x'.repeat(next(5_000)) } }],
  );
}

async function overSocket(client: TestClient, numbers: Numbers): Promise<string> {
  const answer = await client.ask(...requestOf(numbers));
  const text = JSON.stringify(answer);
  expect(text.length).toBeLessThanOrEqual(MAX_BYTES + AROUND_BYTES);
  return /"code":"(\w+)"/.exec(text)?.[1] ?? 'answered';
}

async function overHttp(own: OwnProgram, numbers: Numbers): Promise<string> {
  const { filter, limit } = queryOf(numbers);
  const response = await numbers.one(
    () => own.http('ada', `/v1/inbox?filter=${filter}&limit=${limit}`),
    () => own.http('ada', '/v1/inbox/marks', markOf(numbers)),
  )();
  expect((await response.text()).length).toBeLessThanOrEqual(MAX_BYTES + AROUND_BYTES);
  if (response.status === 429) {
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    return 'rate_limited';
  }
  return response.status === 200 ? 'answered' : `http ${response.status}`;
}

test.for(SEEDS)('seed %i', async (seed) => {
  const own = await start({
    USER_COST_PER_SECOND: String(PER_SECOND),
    USER_REQUESTS_AT_ONCE: String(AT_ONCE),
    ANSWER_MAX_BYTES: String(MAX_BYTES),
    CLIENT_MESSAGES_BURST: '1000',
    HTTP_EVENTS_PER_SECOND: '1000000',
  });
  for (const audience of ['user:ada', 'global', 'topic:news']) await own.fill(audience, 150, 1_000);
  const claims = { topics: ['*'], publish: ['*'] };
  const clients = await Promise.all([1, 2, 3].map(() => own.connect('ada', { claims })));
  const neighbour = await own.connect('bob');
  const numbers = numbersFrom(seed);
  const costBefore = sumOf(await scrape(own.carillon), 'carillon_request_cost_total') ?? 0;
  const begunMs = performance.now();
  const outcomes = await Promise.all(
    Array.from({ length: REQUESTS }, (_, i) => {
      const client = clients[i % (clients.length + 1)];
      return client === undefined ? overHttp(own, numbers) : overSocket(client, numbers);
    }),
  );
  expect(await neighbour.ask('inbox', {})).toMatchObject({ unread: 100 });
  const seconds = (performance.now() - begunMs) / 1_000;
  const cost = (sumOf(await scrape(own.carillon), 'carillon_request_cost_total') ?? 0) - costBefore;
  // The neighbour's one request is in it.
  expect(cost).toBeLessThanOrEqual((10 + seconds) * PER_SECOND + (AT_ONCE + 1) * MOST_OF_ONE);
  expect(outcomes).toHaveLength(REQUESTS);
  expect(outcomes).toContain('answered');
  expect(outcomes).toContain('rate_limited');
  const known = /^(answered|rate_limited|bad_request|forbidden|not_subscribed|http 40[03])$/;
  expect(outcomes.filter((outcome) => !known.test(outcome))).toEqual([]);
  for (const client of [...clients, neighbour]) {
    expect(await client.ask('ping', { seq: seed })).toMatchObject({ seq: seed });
  }
});
