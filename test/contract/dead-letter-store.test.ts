/** What dead letters lie in: RabbitMQ's queue and embedded mode's list keep the same contract, and bounds hold for both. */
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { Publisher } from '../../src/adapters/rabbitmq/publisher.ts';
import { amqpAddressOf } from '../../src/config/amqp-address.ts';
import type { DeadLetterQuery, RedriveOrder } from '../../src/contract/dead-letter.ts';
import { eventSchema } from '../../src/contract/event.ts';
import type { DeadLetterStore, StoredDeadLetter } from '../../src/operate/dead-letters/dead-letter-store.ts';
import { DeadLetters, type ScanBounds } from '../../src/operate/dead-letters/dead-letters.ts';
import { MemoryDeadLetterStore } from '../../src/operate/dead-letters/memory-dead-letter-store.ts';
import { RabbitMqDeadLetterStore } from '../../src/operate/dead-letters/rabbitmq-dead-letter-store.ts';
import { MessageReader } from '../../src/pipeline/sources/message-reader.ts';
import { deadLetter, deadLetterOf } from '../support/dead-letters.ts';
import { madeEvent } from '../support/producer.ts';
import { queueDepth } from '../support/queue-depth.ts';
import { freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';

interface Subject {
  readonly store: DeadLetterStore;
  deadLetter(...ids: readonly string[]): Promise<void>;
  /** How many events were sent again. */
  sent(): Promise<number>;
  close(): Promise<void>;
}

async function rabbitMq(): Promise<Subject> {
  const url = await freshVhost();
  const publisher = new Publisher(pino({ level: 'silent' }), (clash) => expect.fail(clash.message));
  await publisher.open(amqpAddressOf(url));
  await until('the link', 20_000, () => publisher.state === 'up');
  return {
    store: new RabbitMqDeadLetterStore(amqpAddressOf(url), publisher),
    deadLetter: (...ids) =>
      deadLetter(
        url,
        ids.map((id) => deadLetterOf(made(id), 'expired')),
      ),
    sent: () => queueDepth(url, 'carillon.deliver'),
    close: () => publisher.close(),
  };
}

async function memory(): Promise<Subject> {
  const again: StoredDeadLetter[] = [];
  const store = new MemoryDeadLetterStore(async (deadLetter) => void again.push(deadLetter));
  return {
    store,
    deadLetter: async (...ids) => {
      for (const id of ids) store.add(eventSchema.parse(made(id)), { code: 'expired', message: 'late' });
    },
    sent: async () => again.length,
    close: async () => {},
  };
}

const made = (id: string) => madeEvent(id, { audience: 'user:1' });
const QUERY: DeadLetterQuery = { limit: 50 };
const ORDER: RedriveOrder = { dryRun: false, limit: 1_000, perSecond: 10_000 };

function deskOf(store: DeadLetterStore, bounds?: ScanBounds): DeadLetters {
  return new DeadLetters({
    store,
    redact: (envelope) => JSON.stringify(envelope),
    reader: new MessageReader(undefined, { maxBytes: 65_536, maxAudiences: 100 }),
    assess: ({ event }) => ({ ok: true, value: event.audience }),
    has: async (_, events) => events.map(({ id }) => id === 'a'),
    ...(bounds === undefined ? {} : { bounds }),
  });
}

const eventsOf = async (desk: DeadLetters) =>
  (await desk.list(QUERY)).deadLetters.map(({ event }) => event).join('');

test('a long queue is whole again for whoever comes next', async () => {
  const { store, deadLetter: deadLetterIn, close } = await rabbitMq();
  await deadLetterIn(...Array.from({ length: 700 }, (_, i) => `${i}`));
  for (let i = 0; i < 2; i += 1) {
    expect(await deskOf(store).list(QUERY)).toMatchObject({ scanned: 700, matched: 700 });
  }
  await close();
});

// RabbitMQ passes on 32 acknowledgements to the queue, and forgets the others when the channel closes at once.
test.each([33, 100, 150])('of 150 dead letters %i are discarded, and stay so', async (count) => {
  const { store, deadLetter: deadLetterIn, close } = await rabbitMq();
  await deadLetterIn(...Array.from({ length: 150 }, (_, i) => `${i}`));
  const desk = deskOf(store);
  const ids = (await desk.list({ limit: count })).deadLetters.map(({ id }) => id);
  expect(await desk.discard(ids)).toEqual({ discarded: count });
  expect(await desk.list(QUERY)).toMatchObject({ matched: 150 - count });
  await close();
});

describe.each([
  ['RabbitMQ', rabbitMq],
  ['memory', memory],
] as const)('%s', (_name, open) => {
  test('what is taken and not settled lies where it was, for whoever comes next', async () => {
    const { store, deadLetter: deadLetterIn, close } = await open();
    await deadLetterIn('a', 'b', 'c');
    const first = await store.take();
    const waiting = store.take();
    const taken = [await first.next(), await first.next(), await first.next()];
    expect(await first.next()).toBeUndefined();
    first.settle(taken[1]?.tag ?? 0);
    await first.close();
    const second = await waiting;
    const rest = [await second.next(), await second.next(), await second.next()];
    expect(rest.map((one) => one && JSON.parse(String(one.deadLetter.content)).id)).toEqual([
      'a',
      'c',
      undefined,
    ]);
    await second.close();
    await close();
  });

  test('a desk lists, shows, foretells, sends again and throws away', async () => {
    const { store, deadLetter: deadLetterIn, sent, close } = await open();
    const desk = deskOf(store);
    await deadLetterIn('a', 'b', 'c');
    expect(await eventsOf(desk)).toBe('abc');
    const [a, b] = (await desk.list(QUERY)).deadLetters;
    expect(await desk.show(a?.id ?? '')).toMatchObject({ event: 'a', reason: 'expired' });
    expect(await desk.show('x')).toBeUndefined();
    const dry = await desk.redrive({ ...ORDER, dryRun: true });
    expect(dry).toMatchObject({ redrivable: 3, deliveries: 3, already: 1, audienceCount: 1 });
    expect(await desk.redrive({ ...ORDER, ids: [b?.id ?? '', 'x'] })).toEqual({ missing: ['x'] });
    expect(await sent()).toBe(0);
    expect(await desk.redrive({ ...ORDER, ids: [b?.id ?? ''] })).toMatchObject({ redriven: 1 });
    await until('it to be sent', 20_000, async () => (await sent()) === 1);
    expect(await eventsOf(desk)).toBe('ac');
    expect(await desk.discard([a?.id ?? '', 'x'])).toEqual({ missing: ['x'] });
    expect(await desk.discard([a?.id ?? ''])).toEqual({ discarded: 1 });
    expect(await eventsOf(desk)).toBe('c');
    await close();
  });

  test('what the queue did not confirm stays a dead letter, apart from what it did', async () => {
    const { store, deadLetter: deadLetterIn, sent, close } = await open();
    await deadLetterIn('a', 'b', 'c');
    const failing: DeadLetterStore = {
      take: () => store.take(),
      canSendAgain: () => true,
      keep: (deadLetter) => store.keep(deadLetter),
      sendAgain: async (deadLetter) => {
        if (String(deadLetter.content).includes('"b"')) throw new Error('not confirmed');
        await store.sendAgain(deadLetter);
      },
    };
    await expect(deskOf(failing).redrive(ORDER)).rejects.toMatchObject({
      code: 'broker_unavailable',
      message: expect.stringMatching(/^2 were redriven/),
    });
    await until('the others to be sent', 20_000, async () => (await sent()) === 2);
    expect(await eventsOf(deskOf(store))).toBe('b');
    await close();
  });

  test('what is too much is said to be a part', async () => {
    const { store, deadLetter: deadLetterIn, close } = await open();
    await deadLetterIn('a', 'b', 'c');
    const few = deskOf(store, { maxDeadLetters: 2, maxBytes: 1_000_000 });
    expect(await few.list(QUERY)).toMatchObject({ scanned: 2, matched: 2, isPartial: true });
    const small = deskOf(store, { maxDeadLetters: 100, maxBytes: 1 });
    expect(await small.redrive({ ...ORDER, dryRun: true })).toMatchObject({ matched: 1, isPartial: true });
    expect(await deskOf(store).list(QUERY)).toMatchObject({ scanned: 3, isPartial: false });
    await close();
  });
});
