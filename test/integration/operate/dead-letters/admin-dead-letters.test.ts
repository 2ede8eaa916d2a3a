/** Operators look at dead letters, throw them away and send them again, with real RabbitMQ. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deadLettersSchema, redriveResultSchema } from '../../../../src/contract/dead-letter.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { deadLetter, deadLetterOf, deadLetters, reason } from '../../../support/dead-letters.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { queueDepth } from '../../../support/queue-depth.ts';
import { vhostOf } from '../../../support/rabbitmq.ts';
import { freshRedis, freshVhost, sharedManagement } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

let amqpUrl: string;
let carillon: CarillonProcess;
let producer: Producer;

beforeAll(async () => {
  const [amqp, redis] = await Promise.all([freshVhost(), freshRedis()]);
  amqpUrl = amqp;
  carillon = await startCarillon({ AMQP_URL: amqp, REDIS_URL: redis, JWT_SECRET });
  producer = new Producer(amqpUrl);
});
afterAll(async () => {
  await producer.close();
  await carillon.stop();
});

const list = async (query = '') =>
  deadLettersSchema.parse((await deadLetters(carillon, query)).answer).deadLetters;
const redrive = async (order: unknown) =>
  redriveResultSchema.parse((await deadLetters(carillon, '/redrive', order)).answer);
const depth = () => queueDepth(amqpUrl, 'carillon.dead');

beforeEach(async () => {
  const ids = (await list('?limit=500')).map(({ id }) => id);
  if (ids.length > 0) await deadLetters(carillon, '/discard', { ids });
  expect(await depth()).toBe(0);
});

describe('looking', () => {
  test('shows of each why, since when and what it is', async () => {
    const event = madeEvent('e1', { source: '/orders', type: 'order.made' });
    await producer.publish(event);
    await until('the dead letter', 20_000, async () => (await depth()) === 1);
    const [made] = await list();
    const shown = {
      id: expect.stringMatching(/^[\w-]{43}$/),
      reason: 'no_audience',
      detail: expect.stringContaining('order.made'),
      path: 'audience',
      time: expect.stringMatching(/^\d{4}-/),
      type: 'order.made',
      source: '/orders',
      event: 'e1',
      copies: 1,
      headers: { routingKey: 'order.made', contentType: 'application/cloudevents+json' },
      bytes: Buffer.byteLength(JSON.stringify(event)),
      body: JSON.stringify(event),
      isCut: false,
    };
    expect(made).toEqual(shown);
    expect(await deadLetters(carillon, `/${made?.id}`)).toEqual({ status: 200, answer: shown });
  });

  test('30 times loses nothing and keeps the order', async () => {
    const found = Array.from({ length: 30 }, (_, i) => deadLetterOf(madeEvent(`e${i}`), 'no_audience'));
    await deadLetter(amqpUrl, found);
    const ids = found.map(({ messageId }) => messageId);
    for (let i = 0; i < 30; i += 1) {
      expect((await list()).map(({ id }) => id)).toEqual(ids);
    }
    const queues = await sharedManagement().queues(vhostOf(amqpUrl));
    const limit = queues.find(({ name }) => name === 'carillon.dead')?.arguments['x-delivery-limit'];
    expect(limit).toBeGreaterThan(1_000_000);
  });

  test('filters by reason, type, source, event and time', async () => {
    const at = (hour: number) => `2026-11-20T0${hour}:00:00.000Z`;
    await deadLetter(amqpUrl, [
      deadLetterOf(madeEvent('a', { type: 'order.made', source: '/orders' }), 'expired', at(1)),
      deadLetterOf(madeEvent('b', { type: 'order.shipped', source: '/orders/2' }), 'no_audience', at(2)),
      deadLetterOf(madeEvent('c', { type: 'rota.published' }), 'no_audience', at(3)),
    ]);
    const events = async (query: string) => (await list(query)).map(({ event }) => event).join('');
    expect(await events('')).toBe('abc');
    expect(await events('?reason=no_audience')).toBe('bc');
    expect(await events('?type=order.*')).toBe('ab');
    expect(await events('?type=order.made')).toBe('a');
    expect(await events('?source=/orders')).toBe('a');
    expect(await events('?event=b')).toBe('b');
    expect(await events('?event=b*')).toBe('');
    expect(await events(`?after=${at(2)}`)).toBe('bc');
    expect(await events(`?before=${at(2)}`)).toBe('a');
    expect(await events('?limit=2')).toBe('ab');
    expect(await events('?reason=no_audience&type=order.*')).toBe('b');
  });

  test('shows bodies without what must not be shown, cut, and not at all when that is not known', async () => {
    const personal = madeEvent('p', {
      data: { email: 'ada@example.com', title: 'hello', deep: { a: [{ b: 1 }] } },
    });
    await deadLetter(amqpUrl, [
      deadLetterOf(personal, 'expired', '2026-11-20T01:00:00Z'),
      deadLetterOf(
        madeEvent('long', { data: { pad: 'x'.repeat(9_000) } }),
        'expired',
        '2026-11-20T02:00:00Z',
      ),
      {
        body: Buffer.from('{"email":"ada@example.com"'),
        headers: reason('not_json', '2026-11-20T03:00:00Z'),
      },
      {
        body: Buffer.from('{"email":"ada@example.com"}'),
        headers: { ...reason('invalid_event', '2026-11-20T04:00:00Z'), 'cloudEvents:id': 'binary' },
        contentType: 'application/json',
      },
    ]);
    const answer = await deadLetters(carillon, '');
    expect(JSON.stringify(answer)).not.toContain('ada@example.com');
    const [first, long, broken, binary] = await list();
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      data: { email: '[redacted]', title: 'hello', deep: { a: [{ b: 1 }] } },
    });
    expect([long?.isCut, long?.body?.length]).toEqual([true, 4_096]);
    expect([broken?.body, broken?.bytes]).toEqual([undefined, 26]);
    expect(JSON.parse(binary?.body ?? '')).toEqual({ id: 'binary', data: { email: '[redacted]' } });
    const alone = await deadLetters(carillon, `/${long?.id}`);
    expect(alone.answer).toMatchObject({ isCut: false, body: expect.stringContaining('x'.repeat(9_000)) });
  });

  test('knows copies of one, and what RabbitMQ itself gave up', async () => {
    const twice = deadLetterOf(madeEvent('twice'), 'no_audience');
    const time = { '!': 'timestamp', value: 1_700_000_000 };
    const death = { count: 101, reason: 'delivery_limit', queue: 'carillon.deliver', time };
    const given = (id: string) => ({
      body: Buffer.from(JSON.stringify(madeEvent(id))),
      headers: { 'x-death': [death] },
      // A producer's own, which may be the same for all it sends.
      messageId: 'always-the-same',
    });
    await deadLetter(amqpUrl, [twice, twice, given('g1'), given('g2'), { body: Buffer.from('?') }]);
    const found = await list();
    expect(found.map(({ reason, copies, event }) => [reason, copies, event])).toEqual([
      ['broker_delivery_limit', 1, 'g1'],
      ['broker_delivery_limit', 1, 'g2'],
      ['no_audience', 2, 'twice'],
      ['unknown', 1, undefined],
    ]);
    expect(found[0]).toMatchObject({ time: '2023-11-14T22:13:20.000Z', headers: { deaths: 101 } });
    const [id] = found.filter(({ copies }) => copies === 2).map((made) => made.id);
    expect(await deadLetters(carillon, '/discard', { ids: [id] })).toEqual({
      status: 200,
      answer: { discarded: 1 },
    });
    expect(await depth()).toBe(3);
  });
});

describe('a redrive', () => {
  test('shows beforehand whom it would reach, who has it and what would be refused, and changes nothing', async () => {
    const event = (id: string, audience: string) => madeEvent(id, { audience });
    const there = event('there', 'user:dry');
    await producer.publish(there);
    const ada = connectClient(carillon.url, await tokenFor('dry'));
    await until('it to be there', 20_000, async () => {
      const answer = await ada.ask('inbox', {});
      return JSON.stringify(answer).includes('"there"');
    });
    ada.close();
    const expired = madeEvent('late', { audience: 'global', expirytime: '2020-01-01T00:00:00Z' });
    const found = [
      deadLetterOf(there, 'expired'),
      deadLetterOf(event('new', 'user:dry,user:dry2'), 'expired'),
      deadLetterOf(expired, 'expired'),
      deadLetterOf(madeEvent('nobody'), 'no_audience'),
    ];
    await deadLetter(amqpUrl, found);
    expect(await redrive({ dryRun: true })).toEqual({
      dryRun: true,
      matched: 4,
      redrivable: 2,
      deliveries: 3,
      already: 1,
      unasked: 0,
      audiences: [
        { audience: 'user:dry', events: 2, already: 1 },
        { audience: 'user:dry2', events: 1, already: 0 },
      ],
      audienceCount: 2,
      unrouted: 0,
      refused: [
        { code: 'expired', count: 1, ids: [found[2]?.messageId] },
        { code: 'no_audience', count: 1, ids: [found[3]?.messageId] },
      ],
      left: 0,
      isPartial: false,
    });
    expect(await depth()).toBe(4);
  });

  test('delivers each once, keeps what would be refused, and has nothing to do the second time', async () => {
    const bob = connectClient(carillon.url, await tokenFor('bob'));
    await bob.session();
    const found = ['a', 'b', 'c'].map((id) =>
      deadLetterOf(madeEvent(id, { audience: 'user:bob' }), 'expired'),
    );
    const binary = {
      body: Buffer.from('{"n":1}'),
      headers: {
        ...reason('expired', '2026-11-20T10:00:00Z'),
        ...Object.fromEntries(
          Object.entries({
            specversion: '1.0',
            id: 'bin',
            source: '/b',
            type: 't',
            audience: 'user:bob',
          }).map(([name, value]) => [`cloudEvents:${name}`, value]),
        ),
      },
      contentType: 'application/json',
    };
    const [first] = found;
    if (first === undefined) throw new Error('no letter');
    await deadLetter(amqpUrl, [...found, first, binary, deadLetterOf(madeEvent('d'), 'no_audience')]);
    expect(await redrive({ type: 't*', limit: 2 })).toMatchObject({ redriven: 2, matched: 5, left: 2 });
    expect(await redrive({})).toMatchObject({ redriven: 2, left: 0, refused: [{ code: 'no_audience' }] });
    expect((await bob.received(4)).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'bin']);
    expect(await redrive({})).toMatchObject({ redriven: 0, matched: 1, left: 0 });
    expect(await depth()).toBe(1);
    // Nobody got anything twice: the next is the next.
    await producer.publish(madeEvent('end', { audience: 'user:bob' }));
    expect((await bob.received(5)).map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
    bob.close();
  });
});

describe('is refused, and nothing is changed', () => {
  const unknown = 'x'.repeat(43);
  test.for<[string, string, unknown, number, string]>([
    ['an id that is none', '/short', undefined, 400, 'bad_request'],
    ['an unknown id', `/${unknown}`, undefined, 404, 'not_found'],
    ['a time that is none', '?after=yesterday', undefined, 400, 'bad_request'],
    ['a limit that is none', '?limit=0', undefined, 400, 'bad_request'],
    ['a filter that is none', '?colour=red', undefined, 400, 'bad_request'],
    ['ids with a filter', '/redrive', { ids: [unknown], type: 'a' }, 400, 'bad_request'],
    ['a rate that is none', '/redrive', { perSecond: 0 }, 400, 'bad_request'],
    ['a discard of everything', '/discard', {}, 400, 'bad_request'],
    ['a discard of nothing', '/discard', { ids: [] }, 400, 'bad_request'],
  ])('%s', async ([, path, body, status, code]) => {
    expect(await deadLetters(carillon, path, body)).toMatchObject({ status, answer: { code } });
  });

  test('ids of which one is unknown', async () => {
    const made = deadLetterOf(madeEvent('kept', { audience: 'user:kept' }), 'expired');
    await deadLetter(amqpUrl, [made]);
    const ids = [made.messageId, unknown];
    for (const path of ['/discard', '/redrive']) {
      expect(await deadLetters(carillon, path, { ids })).toMatchObject({
        status: 404,
        answer: { code: 'not_found', detail: expect.stringContaining(unknown) },
      });
    }
    expect(await depth()).toBe(1);
  });

  test('a token without the scope', async () => {
    for (const [path, body] of [
      ['', undefined],
      ['/redrive', {}],
      ['/discard', { ids: [unknown] }],
    ] as const) {
      expect(await deadLetters(carillon, path, body, 'events:write')).toMatchObject({ status: 403 });
    }
  });
});
