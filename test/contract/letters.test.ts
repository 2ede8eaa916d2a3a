/** What dead letters lie in: RabbitMQ's queue and embedded mode's list keep the same contract, and bounds hold for both. */
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { Publisher } from '../../src/adapters/rabbitmq/publisher.ts';
import type { DeadLetterQuery, RedriveOrder } from '../../src/contract/dead-letter.ts';
import { eventSchema } from '../../src/contract/event.ts';
import type { Letter, Letters } from '../../src/operate/dead-letters/dead-letter-store.ts';
import { DeadLetters, type ScanBounds } from '../../src/operate/dead-letters/dead-letters.ts';
import { MemoryLetters } from '../../src/operate/dead-letters/memory-dead-letter-store.ts';
import { RabbitMqLetters } from '../../src/operate/dead-letters/rabbitmq-dead-letter-store.ts';
import { bury, letterOf } from '../support/dead-letters.ts';
import { madeEvent } from '../support/producer.ts';
import { queueDepth } from '../support/queue-depth.ts';
import { freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';

interface Subject {
  readonly letters: Letters;
  bury(...ids: readonly string[]): Promise<void>;
  /** How many events were sent again. */
  sent(): Promise<number>;
  close(): Promise<void>;
}

async function rabbitMq(): Promise<Subject> {
  const url = await freshVhost();
  const publisher = new Publisher(pino({ level: 'silent' }), (clash) => expect.fail(clash.message));
  await publisher.open(url);
  await until('the link', 20_000, () => publisher.state === 'up');
  return {
    letters: new RabbitMqLetters(url, publisher),
    bury: (...ids) =>
      bury(
        url,
        ids.map((id) => letterOf(made(id), 'expired')),
      ),
    sent: () => queueDepth(url, 'carillon.deliver'),
    close: () => publisher.close(),
  };
}

async function memory(): Promise<Subject> {
  const again: Letter[] = [];
  const letters = new MemoryLetters(async (letter) => void again.push(letter));
  return {
    letters,
    bury: async (...ids) => {
      for (const id of ids) letters.bury(eventSchema.parse(made(id)), { code: 'expired', message: 'late' });
    },
    sent: async () => again.length,
    close: async () => {},
  };
}

const made = (id: string) => madeEvent(id, { audience: 'user:1' });
const QUERY: DeadLetterQuery = { limit: 50 };
const ORDER: RedriveOrder = { dryRun: false, limit: 1_000, perSecond: 10_000 };

function deskOf(letters: Letters, bounds?: ScanBounds): DeadLetters {
  return new DeadLetters({
    letters,
    redact: (envelope) => JSON.stringify(envelope),
    maxEventBytes: 65_536,
    judge: ({ event }) => ({ ok: true, value: event.audience }),
    has: async (_, events) => events.map(({ id }) => id === 'a'),
    ...(bounds === undefined ? {} : { bounds }),
  });
}

const eventsOf = async (desk: DeadLetters) =>
  (await desk.list(QUERY)).deadLetters.map(({ event }) => event).join('');

test('a long queue is whole again for whoever comes next', async () => {
  const { letters, bury: buryIn, close } = await rabbitMq();
  await buryIn(...Array.from({ length: 700 }, (_, i) => `${i}`));
  for (let i = 0; i < 2; i += 1) {
    expect(await deskOf(letters).list(QUERY)).toMatchObject({ scanned: 700, matched: 700 });
  }
  await close();
});

// RabbitMQ passes on 32 acknowledgements to the queue, and forgets the others when the channel closes at once.
test.each([33, 100, 150])('of 150 dead letters %i are discarded, and stay so', async (count) => {
  const { letters, bury: buryIn, close } = await rabbitMq();
  await buryIn(...Array.from({ length: 150 }, (_, i) => `${i}`));
  const desk = deskOf(letters);
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
    const { letters, bury: buryIn, close } = await open();
    await buryIn('a', 'b', 'c');
    const first = await letters.take();
    const waiting = letters.take();
    const taken = [await first.next(), await first.next(), await first.next()];
    expect(await first.next()).toBeUndefined();
    first.settle(taken[1]?.tag ?? 0);
    await first.close();
    const second = await waiting;
    const rest = [await second.next(), await second.next(), await second.next()];
    expect(rest.map((one) => one && JSON.parse(String(one.letter.content)).id)).toEqual([
      'a',
      'c',
      undefined,
    ]);
    await second.close();
    await close();
  });

  test('a desk lists, shows, foretells, sends again and throws away', async () => {
    const { letters, bury: buryIn, sent, close } = await open();
    const desk = deskOf(letters);
    await buryIn('a', 'b', 'c');
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

  test('what the queue did not confirm stays a dead letter, and is told apart from what it did', async () => {
    const { letters, bury: buryIn, sent, close } = await open();
    await buryIn('a', 'b', 'c');
    const failing: Letters = {
      take: () => letters.take(),
      canSendAgain: () => true,
      sendAgain: async (letter) => {
        if (String(letter.content).includes('"b"')) throw new Error('not confirmed');
        await letters.sendAgain(letter);
      },
    };
    await expect(deskOf(failing).redrive(ORDER)).rejects.toMatchObject({
      code: 'broker_unavailable',
      message: expect.stringMatching(/^2 were redriven/),
    });
    await until('the others to be sent', 20_000, async () => (await sent()) === 2);
    expect(await eventsOf(deskOf(letters))).toBe('b');
    await close();
  });

  test('what is too much is said to be a part', async () => {
    const { letters, bury: buryIn, close } = await open();
    await buryIn('a', 'b', 'c');
    const few = deskOf(letters, { maxLetters: 2, maxBytes: 1_000_000 });
    expect(await few.list(QUERY)).toMatchObject({ scanned: 2, matched: 2, isPartial: true });
    const small = deskOf(letters, { maxLetters: 100, maxBytes: 1 });
    expect(await small.redrive({ ...ORDER, dryRun: true })).toMatchObject({ matched: 1, isPartial: true });
    expect(await deskOf(letters).list(QUERY)).toMatchObject({ scanned: 3, isPartial: false });
    await close();
  });
});
