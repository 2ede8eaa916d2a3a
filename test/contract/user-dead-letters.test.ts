/** The dead letters of one user, in RabbitMQ's queue and in embedded mode's list: found, erased, and nobody else's. */
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { Publisher } from '../../src/adapters/rabbitmq/publisher.ts';
import { amqpAddressOf } from '../../src/config/amqp-address.ts';
import { isJsonObject } from '../../src/contract/json.ts';
import { refuse } from '../../src/contract/refusal.ts';
import type { DeadLetterStore, StoredDeadLetter } from '../../src/operate/dead-letters/dead-letter-store.ts';
import { UserDeadLetters } from '../../src/operate/dead-letters/dead-letters-of-user.ts';
import { MemoryDeadLetterStore } from '../../src/operate/dead-letters/memory-dead-letter-store.ts';
import { RabbitMqDeadLetterStore } from '../../src/operate/dead-letters/rabbitmq-dead-letter-store.ts';
import { MessageReader } from '../../src/pipeline/sources/message-reader.ts';
import { reason } from '../support/dead-letters.ts';
import { madeEvent } from '../support/producer.ts';
import { freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';

interface Subject {
  readonly store: DeadLetterStore;
  close(): Promise<void>;
}

async function rabbitMq(): Promise<Subject> {
  const address = amqpAddressOf(await freshVhost());
  const publisher = new Publisher(pino({ level: 'silent' }), (clash) => expect.fail(clash.message));
  await publisher.open(address);
  await until('the link', 20_000, () => publisher.state === 'up');
  return { store: new RabbitMqDeadLetterStore(address, publisher), close: () => publisher.close() };
}

const memory = async (): Promise<Subject> => ({
  store: new MemoryDeadLetterStore(async () => {}),
  close: async () => {},
});

const userDeadLettersOf = (store: DeadLetterStore) =>
  new UserDeadLetters({
    store,
    reader: new MessageReader(undefined, { maxBytes: 65_536, maxAudiences: 100 }),
    routed: ({ event }) =>
      isJsonObject(event.data) && event.data.to === 1
        ? { ok: true, value: ['user:1', 'department:sales'] }
        : refuse('no_audience', 'no route leads anywhere'),
  });

function deadLetter(body: string, headers: Readonly<Record<string, unknown>> = {}): StoredDeadLetter {
  const isBinary = Object.keys(headers).length > 0;
  return {
    content: Buffer.from(body),
    fields: { routingKey: 'test.made' },
    properties: {
      contentType: isBinary ? 'application/json' : 'application/cloudevents+json',
      headers: { ...reason('expired'), ...headers },
    },
  };
}

const event = (id: string, audience: unknown, more = {}) =>
  deadLetter(JSON.stringify(madeEvent(id, { audience, ...more })));
const binary = (id: string, audience: string) =>
  deadLetter('{}', {
    'cloudEvents:specversion': '1.0',
    'cloudEvents:id': id,
    'cloudEvents:source': '/test',
    'cloudEvents:type': 'test.made',
    'cloudEvents:audience': audience,
  });

async function bodiesIn(store: DeadLetterStore): Promise<string[]> {
  const lease = await store.take();
  const bodies: string[] = [];
  for (let taken = await lease.next(); taken !== undefined; taken = await lease.next())
    bodies.push(taken.deadLetter.content.toString());
  await lease.close();
  return bodies;
}

describe.each([
  ['RabbitMQ', rabbitMq],
  ['memory', memory],
] as const)('%s', (_name, open) => {
  test.for<[string, StoredDeadLetter, string | undefined]>([
    ['for the user alone', event('a', ['user:1']), undefined],
    ['for the user, as text', event('a', 'user:1'), undefined],
    ['for the user, in binary mode', binary('a', 'user:1'), undefined],
    [
      'by a route, whoever else it leads to',
      deadLetter(JSON.stringify(madeEvent('a', { data: { to: 1 } }))),
      undefined,
    ],
    [
      'no event, with the user in its attribute',
      deadLetter('{"id":"a","audience":["user:1","user:2"]}'),
      undefined,
    ],
    ['no JSON, with the user in it', deadLetter('{"audience":"user:1"'), undefined],
    ['for another', event('a', ['user:2']), 'user:2'],
    ['for another whose id begins alike', event('a', ['user:12']), 'user:12'],
    ['no event, for another', deadLetter('{"id":"a","audience":"user:12, user:2"}'), 'user:2'],
    ['no JSON, with another in it', deadLetter('{"audience":"user:12"'), 'user:12'],
    [
      'for another, with the user in its text',
      event('a', ['user:2'], { data: { title: 'user:1' } }),
      'user:1',
    ],
    ['for several', event('a', ['user:1', 'user:2']), '"audience":["user:2"]'],
    ['for several, in binary mode', binary('a', 'user:1,department:x'), '"audience":["department:x"]'],
  ])('one that is %s', async ([, given, kept]) => {
    const { store, close } = await open();
    await store.keep(event('before', ['user:3']));
    await store.keep(given);
    await store.keep(event('behind', ['user:3']));
    const userDeadLetters = userDeadLettersOf(store);
    const isRewritten = kept?.startsWith('"audience"') === true;
    const { discarded, rewritten } = await userDeadLetters.erase('1', 'first');
    expect({ discarded, rewritten }).toEqual({
      discarded: kept === undefined ? 1 : 0,
      rewritten: isRewritten ? 1 : 0,
    });
    const bodies = await bodiesIn(store);
    expect(bodies).toHaveLength(kept === undefined ? 2 : 3);
    if (kept !== undefined) expect(bodies.some((body) => body.includes(kept))).toBe(true);
    expect(await userDeadLetters.erase('1', 'second')).toMatchObject({ discarded: 0, rewritten: 0 });
    await close();
  });

  test('what is written anew keeps its reason and time', async () => {
    const { store, close } = await open();
    await store.keep(event('a', ['user:1', 'user:2']));
    await userDeadLettersOf(store).erase('1', 'first');
    const found: unknown[] = [];
    for await (const one of userDeadLettersOf(store).find('2', 10)) found.push(one);
    const { 'x-carillon-time': time } = reason('expired');
    expect(found).toEqual([
      {
        id: expect.any(String),
        reason: 'expired',
        detail: 'made expired',
        time,
        type: 'test.made',
        body: expect.any(String),
      },
    ]);
    await close();
  });

  test('interrupted before the original is gone, it goes on: nobody loses anything', async () => {
    const { store, close } = await open();
    await store.keep(event('a', ['user:1', 'user:2']));
    const failing: DeadLetterStore = {
      take: () => store.take(),
      canSendAgain: () => true,
      sendAgain: (deadLetter) => store.sendAgain(deadLetter),
      keep: async (deadLetter) => {
        await store.keep(deadLetter);
        throw new Error('gone after');
      },
    };
    await expect(userDeadLettersOf(failing).erase('1', 'first')).rejects.toThrow('gone after');
    expect(await bodiesIn(store)).toHaveLength(2);
    expect(await userDeadLettersOf(store).erase('1', 'second')).toMatchObject({ rewritten: 1 });
    const bodies = await bodiesIn(store);
    expect(bodies.every((body) => body.includes('"audience":["user:2"]'))).toBe(true);
    await close();
  });

  test('an export that looks at a part says so, and gives all back', async () => {
    const { store, close } = await open();
    for (const id of ['a', 'b', 'c']) await store.keep(event(id, ['user:1']));
    const found = userDeadLettersOf(store).find('1', 2);
    expect(await found.next()).toMatchObject({ value: { type: 'test.made' } });
    expect(await found.next()).toMatchObject({ done: false });
    expect(await found.next()).toEqual({ done: true, value: { isPartial: true } });
    expect(await bodiesIn(store)).toHaveLength(3);
    await close();
  });

  test('who asks again for the same erasure gets the same walk; another has to wait', async () => {
    const { store, close } = await open();
    await store.keep(event('a', ['user:1']));
    const userDeadLetters = userDeadLettersOf(store);
    const first = userDeadLetters.erase('1', 'first');
    expect(userDeadLetters.erase('1', 'first')).toBe(first);
    expect(() => userDeadLetters.erase('2', 'other')).toThrow(
      expect.objectContaining({ code: 'dead_letters_busy' }),
    );
    expect(await first).toMatchObject({ scanned: 1, discarded: 1 });
    expect(await userDeadLetters.erase('2', 'other')).toMatchObject({ scanned: 0 });
    await close();
  });
});
