/** Acknowledgements: few commands, and none that covers a delivery which is still in hand. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Acks } from '../../../../src/adapters/rabbitmq/acks.ts';
import { noProperties } from '../../../../src/adapters/rabbitmq/amqp-properties.ts';
import fc from '../../../support/fast-check.ts';

interface Ack {
  readonly tag: number;
  readonly multiple: boolean;
}

/** @param prefetch 1: nothing lingers */
function setUp(count: number, prefetch = 1) {
  const sent: Ack[] = [];
  const rejected: unknown[] = [];
  const acks = new Acks<ReturnType<typeof delivery>>(
    {
      ack: ({ fields }, multiple = false) => sent.push({ tag: fields.deliveryTag, multiple }),
      reject: ({ fields }, requeue) => rejected.push([fields.deliveryTag, requeue]),
    },
    prefetch,
  );
  const deliveries = Array.from({ length: count }, (_, i) => delivery(i + 1));
  for (const each of deliveries) acks.took(each);
  const settle = (...tags: number[]) => {
    for (const each of deliveries) if (tags.includes(each.fields.deliveryTag)) acks.settle(each);
  };
  const reject = (tag: number) => {
    for (const each of deliveries) if (tag === each.fields.deliveryTag) acks.reject(each);
  };
  return { acks, sent, rejected, settle, reject };
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

describe('with a prefetch window of 16', () => {
  test('what is settled waits for what is settled next, for a moment', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { sent, settle } = setUp(16, 16);
    settle(1);
    await endOfTurn();
    settle(2, 3);
    await endOfTurn();
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(10);
    expect(sent).toEqual([{ tag: 3, multiple: true }]);
    settle(4);
    await endOfTurn();
    vi.advanceTimersByTime(10);
    expect(sent.slice(1)).toEqual([{ tag: 4, multiple: true }]);
  });

  test('a quarter of the window does not wait', async () => {
    const { sent, settle } = setUp(16, 16);
    settle(1, 2, 3, 4, 5);
    await endOfTurn();
    expect(sent).toEqual([{ tag: 5, multiple: true }]);
  });

  test('nothing waits any more once it is hurried', async () => {
    const { acks, sent, settle } = setUp(16, 16);
    settle(1, 3);
    acks.hurry();
    expect(sent).toEqual([
      { tag: 1, multiple: true },
      { tag: 3, multiple: false },
    ]);
    settle(2);
    await endOfTurn();
    expect(sent.slice(2)).toEqual([{ tag: 2, multiple: true }]);
  });
});
