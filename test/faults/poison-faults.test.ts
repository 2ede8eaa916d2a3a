/** Every form of poison among good events: each becomes a dead letter with its reason, and the good ones arrive. */
import type { GetMessage } from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { propertiesOf } from '../support/amqp-bytes.ts';
import { poison as amqpPoison } from '../support/amqp-poison.ts';
import { flawless } from '../support/checker.ts';
import { takeDeadLetters } from '../support/dead-letters.ts';
import type { Management } from '../support/management.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { queueDepth } from '../support/queue-depth.ts';
import { vhostOf } from '../support/rabbitmq.ts';
import { RawProducer } from '../support/raw-amqp.ts';
import { freshVhost, sharedManagement } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { type FaultStack, startFaultStack } from './fault-stack.ts';
import { expectWhole, Trial } from './trial.ts';

const ROUNDS = 2;
const PROTO = '"__proto__":{"polluted":true}';

let stack: FaultStack;
let producer: Producer;
let management: Management;
let vhost: string;

beforeAll(async () => {
  stack = await startFaultStack(await freshVhost());
  producer = new Producer(stack.amqpUrl);
  management = sharedManagement();
  vhost = vhostOf(stack.amqpUrl);
});
afterAll(async () => {
  await producer.close();
  await stack.stop();
});

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const good = (attributes: Record<string, unknown> = {}) =>
  madeEvent('poison', { audience: 'global', ...attributes });

/** An object with a key `__proto__` of its own, which a literal cannot have. */
const withProto = (json: string, hidden: string) => Buffer.from(json.replace('{', `{"__proto__":${hidden},`));

const wrongTypes: Readonly<Record<string, unknown>> = {
  specversion: 1,
  id: 17,
  source: ['/test'],
  type: { type: 'test.made' },
  time: 1_790_000_000,
  subject: false,
  datacontenttype: 'text/plain',
  expirytime: 'tomorrow',
  traceparent: 0,
  collapsekey: [],
  severity: 'loud',
  data: 'text',
};

const poison: readonly { what: string; body: Buffer; reason: string; headers?: Record<string, unknown> }[] = [
  { what: 'not JSON', body: Buffer.from('{"specversion":"1.0",'), reason: 'not_json' },
  { what: 'not UTF-8', body: Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]), reason: 'not_json' },
  { what: 'a lone surrogate', body: json(good({ id: '\ud800' })), reason: 'invalid_event' },
  { what: 'nothing', body: Buffer.alloc(0), reason: 'not_json' },
  {
    what: 'lists 10,000 deep',
    body: Buffer.from('['.repeat(10_000) + ']'.repeat(10_000)),
    reason: 'invalid_event',
  },
  {
    what: 'data 10,000 deep',
    body: Buffer.from(JSON.stringify(good({ data: 0 })).replace('"data":0', `"data":${nested(5_000)}`)),
    reason: 'invalid_event',
  },
  { what: '16 MB', body: Buffer.alloc(16_000_000, '{"a":'), reason: 'too_large' },
  {
    what: 'an audience that only a prototype has',
    body: withProto(JSON.stringify(madeEvent('poison')), '{"audience":"global"}'),
    reason: 'no_audience',
  },
  {
    what: 'an id that only a prototype has',
    body: withProto(JSON.stringify({ ...good(), id: undefined }), '{"id":"x"}'),
    reason: 'invalid_event',
  },
  {
    what: 'a prototype in the headers',
    body: json({}),
    headers: { 'cloudEvents:__proto__': 'x', 'cloudEvents:constructor': 'y' },
    reason: 'invalid_event',
  },
  { what: 'null', body: json(null), reason: 'invalid_event' },
  { what: 'a number', body: json(1e308), reason: 'invalid_event' },
  { what: 'an audience of another type', body: json(good({ audience: 7 })), reason: 'invalid_audience' },
  { what: 'an audience of no kind', body: json(good({ audience: 'team:a' })), reason: 'invalid_audience' },
  ...Object.entries(wrongTypes).map(([name, value]) => ({
    what: `${name} of another type`,
    body: json(good({ [name]: value })),
    reason: 'invalid_event',
  })),
];

/**
 * Takes dead letters until there are some of so many keys that begin like this. Some are there twice, so that so many
 * letters are not all.
 */
async function takeAllOf(prefix: string, count: number): Promise<readonly GetMessage[]> {
  const deadLetters: GetMessage[] = [];
  const keys = () => new Set(deadLetters.map(({ fields }) => fields.routingKey));
  await until(`dead letters of ${count} keys`, 60_000, async () => {
    const taken = await takeDeadLetters(stack.amqpUrl);
    deadLetters.push(...taken.filter(({ fields }) => fields.routingKey.startsWith(prefix)));
    return keys().size >= count;
  });
  expect(keys().size).toBe(count);
  return deadLetters;
}

function nested(depth: number): string {
  return '{"a":['.repeat(depth) + ']}'.repeat(depth);
}

test('every form of it, among good events', { timeout: 120_000 }, async () => {
  const report = await Trial.run(
    `${poison.length} forms of poison, ${ROUNDS} times`,
    stack,
    async (trial) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const [i, { body, headers = {} }] of poison.entries()) {
          await producer.publishRaw(body, { headers }, `poison.${i}`);
        }
        await trial.publish(20);
      }
      const count = ROUNDS * poison.length;
      await until('dead letters', 60_000, async () => (await depth()) >= count);
    },
  );
  expectWhole(report, ROUNDS * poison.length);

  const deadLetters = await takeDeadLetters(stack.amqpUrl);
  for (const [i, { what, body, reason }] of poison.entries()) {
    const found = deadLetters.filter(({ fields }) => fields.routingKey === `poison.${i}`);
    expect(found, what).toHaveLength(ROUNDS);
    for (const { properties, content } of found) {
      expect(properties.headers?.['x-carillon-reason'], what).toBe(reason);
      expect(properties.headers?.['x-carillon-detail'], what).not.toBe('');
      expect(content.equals(body), what).toBe(true);
    }
  }
  expect(stack.consumers[0]?.output.filter((line) => line.includes('"level":"fatal"'))).toEqual([]);
});

test('every form of it beside bodies, each with more events behind it than a consumer has in hand', {
  timeout: 120_000,
}, async () => {
  await takeDeadLetters(stack.amqpUrl);
  const raw = new RawProducer(stack.amqpUrl);
  const report = await Trial.run(
    `${amqpPoison.length} forms of poison beside bodies`,
    stack,
    async (trial) => {
      for (const { properties, body, key = 'beside' } of amqpPoison) {
        const bytes = propertiesOf({ ...properties, deliveryMode: 2 });
        await raw.publish({ properties: bytes, body, routingKey: key });
        await trial.publish(300);
      }
      await until('dead letters', 60_000, async () => (await depth()) >= amqpPoison.length);
    },
  );
  raw.close();
  expectWhole(report, amqpPoison.length);
  const reasons = (await takeDeadLetters(stack.amqpUrl)).map(
    ({ properties }): unknown => properties.headers?.['x-carillon-reason'],
  );
  expect(reasons.toSorted()).toEqual(amqpPoison.map(({ reason }) => reason).toSorted());
  // A link that is set up again brings all that was in hand once more, and RabbitMQ counts it.
  expect(stack.consumers[0]?.output.filter((line) => line.includes('set up again'))).toEqual([]);
});

test('a key __proto__ in data comes through as data', async () => {
  let own = '';
  const report = await Trial.run('__proto__ in data', stack, async (trial) => {
    own = trial.ownAudience;
    const event = JSON.stringify(trial.checker.next(trial.ownAudience));
    await producer.publishRaw(Buffer.from(event.replace('"data":{', `"data":{${PROTO},`)));
    trial.confirmed += 1;
  });
  expectWhole(report);
  const [entry] = await stack.control.xrange(`carillon:{${own}}:log`, '-', '+');
  expect(entry?.[1][1]).toContain(PROTO);
});

test('links are cut while poison becomes dead letters: each is kept, at least once', {
  timeout: 120_000,
}, async () => {
  const report = await Trial.run('links cut while poison becomes dead letters', stack, async (trial) => {
    for (let round = 0; round < 10; round += 1) {
      for (let i = 0; i < 10; i += 1) await producer.publishRaw(Buffer.from('?'), {}, `cut.${round}.${i}`);
      stack.toRabbitMq.cut();
      await trial.flows(10);
    }
    await until('dead letters', 60_000, async () => (await depth()) >= 100);
  });
  // Whatever was sent and not confirmed when its link was cut is made a dead letter once more, under the same message-id.
  expect(report.verdict).toEqual(flawless(report.expected));
  const deadLetters = await takeAllOf('cut.', 100);
  expect(new Set(deadLetters.map(({ properties }) => properties.messageId)).size).toBe(100);
});

test('the consumer is killed while it can keep no dead letters: its poison is not forgotten', {
  timeout: 120_000,
}, async () => {
  const isPublisher = ({ client_properties }: { client_properties?: unknown }) =>
    JSON.stringify(client_properties ?? '').includes('carillon publisher');
  await takeDeadLetters(stack.amqpUrl);
  const report = await Trial.run('consumer killed while it can keep no dead letters', stack, async () => {
    for (let round = 0; round < 5; round += 1) {
      const doomed = stack.consumers.shift();
      const told = (what: string) => doomed?.output.some((line) => line.includes(what)) ?? false;
      await until('the publishing link to be lost', 30_000, async () => {
        const publishers = (await management.connections(vhost)).filter(isPublisher);
        await Promise.allSettled(publishers.map(({ name }) => management.closeConnection(name)));
        return told('"link":"carillon publisher","state":"down"');
      });
      await Promise.all(
        Array.from({ length: 5 }, (_, i) => producer.publishRaw(Buffer.from('?'), {}, `kill.${round}.${i}`)),
      );
      await until('the poison to be taken', 30_000, () => told('event becomes a dead letter'));
      doomed?.signal('SIGKILL');
      await doomed?.exited;
      await stack.startConsumer();
    }
    await until('dead letters', 60_000, async () => (await depth()) >= 25);
  });
  expect(report.verdict).toEqual(flawless(report.expected));
  await takeAllOf('kill.', 25);
});

const depth = () => queueDepth(stack.amqpUrl, 'carillon.dead');
