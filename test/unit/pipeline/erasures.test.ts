/** Events that waited in a queue while their user was erased bring nothing back; all others are delivered as ever. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Audience } from '../../../src/contract/audience.ts';
import { eventSchema } from '../../../src/contract/event.ts';
import { AdminCommands } from '../../../src/operate/access/admin-commands.ts';
import { MemoryAdminCommandLog } from '../../../src/operate/access/memory-admin-command-log.ts';
import { createDeliver } from '../../../src/pipeline/deliver.ts';
import { EventLife } from '../../../src/pipeline/event-life.ts';
import { NO_OBSERVERS } from '../../../src/pipeline/event-observer.ts';
import { AppendQueue } from '../../../src/pipeline/inbox/append-queue.ts';
import { MemoryInbox } from '../../../src/pipeline/inbox/memory-inbox.ts';
import { Routing } from '../../../src/pipeline/routing/routing.ts';
import { LONG_LIVED } from '../../contract/inbox-contract.ts';
import { madeEvent } from '../../support/producer.ts';

const ERASED_MS = 1_795_000_000_000;

function open(log = new MemoryAdminCommandLog()) {
  const inbox = new MemoryInbox({ limits: LONG_LIVED, publish: () => 1, now: Date.now });
  const erasures = new AdminCommands({ log, checkMs: 1_000_000, onError: () => {} });
  onTestFinished(() => erasures.close());
  const appendQueue = new AppendQueue(inbox, () => {});
  const deliver = createDeliver({
    appendQueue,
    routing: new Routing([]),
    maxAudiences: 100,
    isSampled: () => false,
    observers: NO_OBSERVERS,
    erasures,
  });
  return {
    log,
    erasures,
    erase: () => erasures.issue({ kind: 'disconnect', user: 'ada', notBeforeMs: ERASED_MS, erases: true }),
    deliver: (id: string, audience: readonly string[], publishedAtMs: number | undefined, more = {}) => {
      const event = eventSchema.parse(madeEvent(id, { audience, ...more }));
      return deliver(event, new EventLife(event, event, Date.now()), publishedAtMs);
    },
    idsIn: async (audience: Audience) =>
      (await inbox.read(audience, 1, 100)).map(({ json }) => JSON.parse(json).id),
  };
}

describe('after the erasure of a user', () => {
  test.for<[string, number | undefined, boolean]>([
    ['published before it', ERASED_MS - 1, false],
    ['published at that moment', ERASED_MS, true],
    ['published later', ERASED_MS + 1, true],
    ['published nobody knows when', undefined, true],
  ])('an event that was %s', async ([, publishedAtMs, isDelivered]) => {
    const { erasures, erase, deliver, idsIn } = open();
    await erasures.start();
    await erase();
    expect(await deliver('e', ['user:ada', 'user:bob', 'global'], publishedAtMs)).toEqual({ kind: 'ack' });
    expect(await idsIn('user:ada')).toEqual(isDelivered ? ['e'] : []);
    for (const audience of ['user:bob', 'global'] as const) expect(await idsIn(audience)).toEqual(['e']);
  });

  test('an older event for the user alone is settled, and becomes no dead letter when it has expired', async () => {
    const { erasures, erase, deliver, idsIn } = open();
    await erasures.start();
    await erase();
    const expired = { expirytime: '2026-11-20T09:00:00Z' };
    expect(await deliver('a', ['user:ada'], 1)).toEqual({ kind: 'ack' });
    expect(await deliver('b', ['user:ada'], 1, expired)).toEqual({ kind: 'ack' });
    expect(await deliver('c', ['user:ada'], ERASED_MS, expired)).toMatchObject({ kind: 'dead-letter' });
    expect(await deliver('d', ['user:bob'], 1, expired)).toMatchObject({ kind: 'dead-letter' });
    expect(await idsIn('user:ada')).toEqual([]);
  });

  test('a department of the same name keeps its events', async () => {
    const { erasures, erase, deliver, idsIn } = open();
    await erasures.start();
    await erase();
    await deliver('e', ['department:ada'], 1);
    expect(await idsIn('department:ada')).toEqual(['e']);
  });
});

test('a revocation alone erases nothing', async () => {
  const { erasures, deliver, idsIn } = open();
  await erasures.start();
  await erasures.issue({ kind: 'disconnect', user: 'ada', notBeforeMs: ERASED_MS });
  await deliver('e', ['user:ada'], 1);
  expect(await idsIn('user:ada')).toEqual(['e']);
});

test('until it is known who was erased events wait, and then come in their order', async () => {
  const log = new MemoryAdminCommandLog();
  await log.append({ kind: 'disconnect', user: 'ada', notBeforeMs: ERASED_MS, erases: true });
  const { erasures, deliver, idsIn } = open(log);
  const waiting = [deliver('a', ['user:ada', 'user:bob'], 1), deliver('b', ['user:bob'], undefined)];
  expect(await idsIn('user:bob')).toEqual([]);
  await erasures.start();
  waiting.push(deliver('c', ['user:bob'], 1));
  await Promise.all(waiting);
  expect(await idsIn('user:bob')).toEqual(['a', 'b', 'c']);
  expect(await idsIn('user:ada')).toEqual([]);
});
