/** Acknowledgements: few commands, and none that covers a delivery which is still in hand. */
import { expect, test } from 'vitest';
import { Acks } from '../../../../src/adapters/rabbitmq/acks.ts';
import { noProperties } from '../../../../src/adapters/rabbitmq/amqp-properties.ts';
import fc from '../../../support/fast-check.ts';

interface Ack {
  readonly tag: number;
  readonly multiple: boolean;
}

function setUp(count: number) {
  const sent: Ack[] = [];
  const rejected: unknown[] = [];
  const acks = new Acks<ReturnType<typeof delivery>>({
    ack: ({ fields }, multiple = false) => sent.push({ tag: fields.deliveryTag, multiple }),
    reject: ({ fields }, requeue) => rejected.push([fields.deliveryTag, requeue]),
  });
  const deliveries = Array.from({ length: count }, (_, i) => delivery(i + 1));
  for (const each of deliveries) acks.took(each);
  const settle = (...tags: number[]) => {
    for (const each of deliveries) if (tags.includes(each.fields.deliveryTag)) acks.settle(each);
  };
  const reject = (tag: number) => {
    for (const each of deliveries) if (tag === each.fields.deliveryTag) acks.reject(each);
  };
  return { sent, rejected, settle, reject };
}

function delivery(deliveryTag: number) {
  return {
    content: Buffer.alloc(0),
    fields: { deliveryTag, redelivered: false, exchange: '', routingKey: '' },
    properties: noProperties(),
  };
}

const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Which deliveries RabbitMQ takes for acknowledged. */
function covered(sent: readonly Ack[], count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1).filter((tag) =>
    sent.some((ack) => ack.tag === tag || (ack.multiple && tag < ack.tag)),
  );
}

test('what is settled in one turn from the first on is one acknowledgement', async () => {
  const { sent, settle } = setUp(5);
  settle(1, 2, 3);
  await endOfTurn();
  expect(sent).toEqual([{ tag: 3, multiple: true }]);
});

test('what is settled behind one in hand is acknowledged alone, and not again later', async () => {
  const { sent, settle } = setUp(4);
  settle(2, 4);
  await endOfTurn();
  expect(sent).toEqual([
    { tag: 2, multiple: false },
    { tag: 4, multiple: false },
  ]);
  settle(1);
  await endOfTurn();
  expect(sent.slice(2)).toEqual([{ tag: 1, multiple: true }]);
});

test('in whatever order and turns: exactly what is settled is covered', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 12 }), { maxLength: 6 }),
      async (turns) => {
        const { sent, settle } = setUp(12);
        const settled = new Set<number>();
        for (const turn of turns) {
          const fresh = turn.filter((tag) => !settled.has(tag));
          for (const tag of fresh) settled.add(tag);
          settle(...fresh);
          await endOfTurn();
          expect(covered(sent, 12)).toEqual([...settled].sort((a, b) => a - b));
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('what is rejected goes at once and by itself, and is never acknowledged', async () => {
  const { sent, rejected, settle, reject } = setUp(4);
  settle(1, 4);
  reject(2);
  expect(rejected).toEqual([[2, false]]);
  await endOfTurn();
  expect(sent).toEqual([
    { tag: 1, multiple: true },
    { tag: 4, multiple: false },
  ]);
  settle(3);
  await endOfTurn();
  expect(sent.slice(2)).toEqual([{ tag: 3, multiple: true }]);
});
