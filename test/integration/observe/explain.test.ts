/** Events with different fates, asked about as an operator would: each time the true one is told. */
import { connect as connectAmqp } from 'amqplib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Explanation, explanationSchema } from '../../../src/contract/explanation.ts';
import { type CarillonProcess, isReady, tokenFor } from '../../support/carillon.ts';
import { connectClient, type TestClient } from '../../support/client.ts';
import { deadLetter, deadLetterOf, takeDeadLetters } from '../../support/dead-letters.ts';
import { type MadeEvent, madeEvent } from '../../support/producer.ts';
import { scrape, sumOf } from '../../support/scrape.ts';
import { type Stack, startStack } from '../../support/stack.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

let stack: Stack;
let clients: TestClient[] = [];
beforeAll(async () => {
  const routes = `routes:
  - type: order.*
    audience: ["user:{data.customerId}"]
  - type: order.titled
    display: { title: { en: "Order {data.id}", zh: "订单 {data.id}" } }
  - type: "#"
    display: { body: Shown }
`;
  const sources = `sources:
  - exchange: shop.told
    event: { id: "{body.id}", type: told, source: /shop, audience: "user:{body.user}", data: { title: "Told {body.id}" } }
`;
  stack = await startStack({
    INBOX_MAX_LENGTH: '5',
    ROUTES_FILE: temporaryFile('routes.yaml', routes),
    SOURCES_FILE: temporaryFile('sources.yaml', sources),
    CANARY_SECONDS: '1',
  });
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(() => stack.stop());

async function ask(query: Record<string, string>, process = stack.consumer, languages?: string) {
  const token = await tokenFor('operator', { scope: 'admin' });
  const response = await fetch(`${process.opsUrl}/admin/explain?${new URLSearchParams(query)}`, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(languages === undefined ? {} : { 'accept-language': languages }),
    },
  });
  return { status: response.status, body: await response.json() };
}

function firstGateway(): CarillonProcess {
  return stack.gateways[0] ?? expect.unreachable('there is no gateway');
}

async function explain(event: string, user: string): Promise<Explanation> {
  const { status, body } = await ask({ event, user });
  expect(status).toBe(200);
  return explanationSchema.parse(body);
}

const expectVerdict = (event: string, user: string) =>
  expect.poll(async () => (await explain(event, user)).verdict);

const stepsOf = ({ steps }: Explanation, what: string) =>
  steps.filter((step) => step.what === what).map(({ detail }) => detail);

async function connect(user: string, auth: Record<string, unknown> = {}, claims = {}): Promise<TestClient> {
  const client = connectClient(stack.gateways[0]?.url ?? '', await tokenFor(user, claims), { auth });
  clients.push(client);
  await client.session();
  return client;
}

const publish = (id: string, audience: string, more: Partial<MadeEvent> = {}) =>
  stack.producer.publish(madeEvent(id, { audience, ...more }));

describe('a notification', () => {
  test('that a connected device was sent: how it came, and where', async () => {
    const client = await connect('ada', { device: 'phone' });
    await stack.producer.publish(madeEvent('f1', { type: 'order.paid', data: { customerId: 'ada' } }));
    await client.received(1);
    await expectVerdict('f1', 'ada').toBe('delivered');
    // Outcomes follows a moment after the log.
    await expect.poll(async () => stepsOf(await explain('f1', 'ada'), 'received')).toHaveLength(1);
    const explanation = await explain('f1', 'ada');
    expect(stepsOf(explanation, 'mapped')).toEqual(['for user:ada']);
    expect(stepsOf(explanation, 'appended')).toEqual([
      'user:ada at offset 1 (by the route order.*); 1 node hosted it at that moment',
    ]);
    expect(stepsOf(explanation, 'device')).toEqual([expect.stringMatching(/^phone on .*was sent it$/)]);
  });

  test('that nobody has come for', async () => {
    await publish('f2', 'user:bob');
    await expectVerdict('f2', 'bob').toBe('kept');
    expect(stepsOf(await explain('f2', 'bob'), 'appended')[0]).toMatch(/event names it.*0 nodes/);
  });

  test('that a device recovered by its cursor, and then left', async () => {
    const { audiences } = await (await connect('cem')).session();
    clients.pop()?.close();
    // Otherwise the device that leaves may be sent it.
    await expect.poll(async () => sumOf(await scrape(firstGateway()), 'carillon_connected_sockets')).toBe(0);
    await publish('f3', 'user:cem');
    await expectVerdict('f3', 'cem').toBe('kept');
    const { epoch = '', head = 0 } = audiences['user:cem'] ?? {};
    const back = await connect('cem', { device: 'tablet', cursors: { 'user:cem': { epoch, offset: head } } });
    back.close();
    await expectVerdict('f3', 'cem').toBe('delivered');
  });

  test.for(['read', 'archived'] as const)('that the user has marked as %s', async (as) => {
    const client = await connect(`mark-${as}`);
    await publish(`f-${as}`, `user:mark-${as}`);
    await client.received(1);
    await client.ask('mark', { as, ids: [`f-${as}`] });
    await expectVerdict(`f-${as}`, `mark-${as}`).toBe(as);
  });

  test('that expired before anybody came', async () => {
    // Long enough for a busy consumer to take it before.
    const expirytime = new Date(Date.now() + 8_000).toISOString();
    await publish('f5', 'user:eve', { expirytime });
    await expectVerdict('f5', 'eve').toBe('expired');
  });

  test('that was taken back', async () => {
    await publish('f6', 'user:fay');
    await publish('f6-back', 'user:fay', { type: 'carillon.retract', data: { id: 'f6' } });
    await expectVerdict('f6', 'fay').toBe('retracted');
  });

  test('that a newer one replaced', async () => {
    for (const id of ['f7', 'f7-newer']) await publish(id, 'user:gus', { collapsekey: 'k' });
    await expectVerdict('f7', 'gus').toBe('collapsed');
    expect((await explain('f7-newer', 'gus')).verdict).toBe('kept');
  });

  test('that the inbox has no room for any more', async () => {
    for (let i = 0; i < 7; i += 1) await publish(i === 0 ? 'f8' : `f8-${i}`, 'user:hal');
    await expectVerdict('f8-6', 'hal').toBe('kept');
    // Only outcomes still knows it, and that follows a moment after.
    await expectVerdict('f8', 'hal').toBe('trimmed');
  });

  test('that came to a department before the user', async () => {
    await publish('f9', 'department:late');
    await expectVerdict('f9', 'ivy').toBe('not_an_audience');
    await connect('ivy', {}, { departments: ['late'] });
    await expectVerdict('f9', 'ivy').toBe('before_joining');
  });
});

describe('an event', () => {
  test('for somebody else', async () => {
    await publish('g1', 'user:somebody');
    await expectVerdict('g1', 'ada').toBe('not_an_audience');
    expect(stepsOf(await explain('g1', 'ada'), 'mapped')).toEqual(['for user:somebody']);
  });

  test('for a topic', async () => {
    await publish('g2', 'topic:ticker');
    await expectVerdict('g2', 'ada').toBe('topic_only');
  });

  test('that no route maps, and one that is malformed: dead letters with their reasons', async () => {
    await stack.producer.publish(madeEvent('g3', { type: 'nobody.cares' }));
    await expectVerdict('g3', 'ada').toBe('dead_letter');
    expect(stepsOf(await explain('g3', 'ada'), 'dead_letter')[0]).toMatch(/^no_audience \(audience\): /);
    await publish('g4', 'user:not}valid');
    await expectVerdict('g4', 'ada').toBe('dead_letter');
    expect(stepsOf(await explain('g4', 'ada'), 'dead_letter')[0]).toMatch(/^invalid_audience/);
    // Nothing but its dead letter tells of it, whether the source is named or not.
    expect((await ask({ event: 'g4', user: 'ada', source: '/test' })).body).toMatchObject({
      verdict: 'dead_letter',
    });
    expect((await ask({ event: 'g4', user: 'ada', source: '/other' })).body).toMatchObject({
      verdict: 'unknown',
    });
  });

  test('whose dead letter lies behind hundreds of others', async () => {
    const others = Array.from({ length: 600 }, (_, i) =>
      deadLetterOf(madeEvent(`other-${i}`), 'no_audience', '2026-11-20T01:00:00.000Z'),
    );
    const last = deadLetterOf(madeEvent('behind'), 'no_audience', '2026-11-20T02:00:00.000Z');
    await deadLetter(stack.environment.AMQP_URL ?? '', [...others, last]);
    expect((await explain('behind', 'ada')).verdict).toBe('dead_letter');
    await takeDeadLetters(stack.environment.AMQP_URL ?? '');
  });

  test('that nobody knows', async () => {
    await expectVerdict('never', 'ada').toBe('unknown');
  });

  test('that waits because nobody consumes, or because the consumer is stuck', async () => {
    const gateway = firstGateway();
    stack.consumer.signal('SIGSTOP');
    await expect.poll(() => isReady(gateway)).toBe(false);
    await publish('g5', 'user:ada');
    const stuck = await ask({ event: 'g5', user: 'ada' }, gateway);
    expect(stuck.body).toMatchObject({ verdict: 'waiting' });
    stack.consumer.signal('SIGKILL');
    await stack.consumer.exited;
    expect((await ask({ event: 'g5', user: 'ada' }, gateway)).body).toMatchObject({ verdict: 'waiting' });
    await stack.restartConsumer();
    await expectVerdict('g5', 'ada').toBe('kept');
  });

  test('whose id two sources use: which one is meant must be said', async () => {
    await publish('g6', 'user:jan');
    await publish('g6', 'user:jan', { source: '/other' });
    await expect.poll(async () => (await ask({ event: 'g6', user: 'jan' })).status).toBe(409);
    const ambiguous = await ask({ event: 'g6', user: 'jan' });
    expect(ambiguous.body).toMatchObject({ sources: expect.arrayContaining(['/test', '/other']) });
    const { body } = await ask({ event: 'g6', user: 'jan', source: '/other' });
    expect(body).toMatchObject({ verdict: 'kept', event: { source: '/other' } });
  });
});

describe('what a bell shows', () => {
  const titleOf = async (event: string, user: string, languages?: string) => {
    const explanation = explanationSchema.parse((await ask({ event, user }, stack.consumer, languages)).body);
    return { title: explanation.title, shown: stepsOf(explanation, 'shown') };
  };

  test('by a route, in the languages of whoever asks', async () => {
    await publish('h1', 'user:kim', { type: 'order.titled', data: { id: 7, title: 'not shown' } });
    const english = { text: 'Order 7', language: 'en', from: 'route', route: 'order.titled' };
    await expect
      .poll(() => titleOf('h1', 'kim'))
      .toEqual({ title: english, shown: ['"Order 7" (en), by the route order.titled'] });
    expect(await titleOf('h1', 'kim', 'fr, zh-CN;q=0.8, en;q=0.5')).toEqual({
      title: { ...english, text: '订单 7', language: 'zh' },
      shown: ['"订单 7" (zh), by the route order.titled'],
    });
  });

  test('by the data, or by nobody', async () => {
    await publish('h2', 'user:kim', { data: { title: ' Own ' } });
    await expect.poll(async () => (await titleOf('h2', 'kim')).title).toEqual({ text: 'Own', from: 'data' });
    await publish('h3', 'user:kim', { type: 'order.created', data: {} });
    await expect
      .poll(async () => (await titleOf('h3', 'kim')).title)
      .toEqual({ text: 'Order created', from: 'type' });
    await publish('h4', 'user:kim', { type: 'carillon.retract', data: { id: 'h3' } });
    await expectVerdict('h4', 'kim').toBe('kept');
    expect(await titleOf('h4', 'kim')).toEqual({ title: undefined, shown: [] });
  });

  test('by the data that a source made of a message', async () => {
    const model = await connectAmqp(stack.environment.AMQP_URL ?? '');
    const channel = await model.createChannel();
    await channel.assertExchange('shop.told', 'topic');
    // What comes before the exchange is bound is lost; what comes again is a repeat.
    await expect
      .poll(async () => {
        channel.publish('shop.told', 'x', Buffer.from('{"id":"h5","user":"kim"}'));
        return stepsOf(await explain('h5', 'kim'), 'shown');
      })
      .toEqual(['"Told h5", from data.title, as made by exchange shop.told']);
    expect(stepsOf(await explain('h5', 'kim'), 'received')).toEqual([
      'a consumer took it from RabbitMQ; the source exchange shop.told made it of a message',
    ]);
    await model.close();
  });
});

test('a question without a user, or with one that cannot be, is refused', async () => {
  expect(await ask({ event: 'f1' })).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  expect(await ask({ event: 'f1', user: 'a}b' })).toMatchObject({ status: 400 });
});

test('while Redis is away that is said, and afterwards the truth', async () => {
  await stack.redis.kill();
  expect(await ask({ event: 'f2', user: 'bob' })).toMatchObject({
    status: 503,
    body: { code: 'redis_unavailable' },
  });
  await stack.redis.restart();
  await expect.poll(async () => (await ask({ event: 'f2', user: 'bob' })).status).toBe(200);
  await expectVerdict('f2', 'bob').toBe('kept');
});
