/**
 * A minute of everyday trouble: two gateways and a consumer under 500 events a second, while clients drop and come
 * back every few seconds. Nothing is lost, nothing comes twice, everything in order.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import { tokenFor } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { TrackingClient } from '../support/tracking-client.ts';

const DURATION_MS = 60_000;
const EVENTS_PER_SECOND = 500;
const BATCHES_PER_SECOND = 10;
const USERS = ['ada', 'bob', 'eve', 'dan', 'fay', 'gus'];
const AUDIENCES: readonly Audience[] = [
  ...USERS.map((user) => `user:${user}` as const),
  'department:sales',
  'global',
];

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ INBOX_MAX_LENGTH: '10000' });
});
afterAll(() => stack.stop());

test('nobody misses anything', { timeout: DURATION_MS * 3 }, async () => {
  const checker = new Checker();
  const [first, second] = stack.gateways.map(({ url }) => url);
  const clients = await Promise.all(
    USERS.map(async (user, i) => {
      const urls = i % 2 === 0 ? [first ?? '', second ?? ''] : [second ?? '', first ?? ''];
      return { user, client: new TrackingClient(urls, await tokenFor(user, { departments: ['sales'] })) };
    }),
  );
  await Promise.all(clients.map(({ client }) => client.begun(1)));

  const end = Date.now() + DURATION_MS;
  const flap = async (client: TrackingClient, everyMs: number) => {
    while (Date.now() < end) {
      await pause(everyMs);
      client.leave();
      client.connect();
    }
  };
  const flapping = clients.map(({ client }, i) => flap(client, 1_500 + 700 * i));
  const perBatch = EVENTS_PER_SECOND / BATCHES_PER_SECOND;
  let published = 0;
  const nextEvent = () => {
    published += 1;
    return checker.next(AUDIENCES[published % AUDIENCES.length] ?? 'global');
  };
  while (Date.now() < end) {
    const next = pause(1_000 / BATCHES_PER_SECOND);
    await stack.producer.publish(...Array.from({ length: perBatch }, nextEvent));
    await next;
  }
  await Promise.all(flapping);

  const seen = await Promise.all(
    clients.flatMap(({ user, client }) =>
      [`user:${user}`, 'department:sales', 'global'].map(async (audience) => {
        await client.saw(audience, checker.count(audience));
        return { audience, ids: client.seen(audience) };
      }),
    ),
  );
  const expected = seen.reduce((sum, { audience }) => sum + checker.count(audience), 0);
  expect(checker.judge(seen)).toEqual(flawless(expected));
  // How often depends on the machine.
  for (const { client } of clients) expect(client.sessions).toBeGreaterThan(1);
  for (const { client } of clients) client.close();
});
