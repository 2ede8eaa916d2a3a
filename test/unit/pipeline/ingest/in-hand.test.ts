/** When a consumer that has lost a channel may take events again. */
import { expect, test } from 'vitest';
import { noProperties } from '../../../../src/adapters/rabbitmq/amqp-properties.ts';
import { type Held, InHand } from '../../../../src/pipeline/ingest/in-hand.ts';

const MOST = 10;

function held(atMs: number, returns?: number): Held {
  const headers = returns === undefined ? {} : { 'x-delivery-count': returns };
  const properties = { ...noProperties(), headers };
  const fields = { consumerTag: '', deliveryTag: 1, redelivered: false, exchange: '', routingKey: '' };
  return { message: { content: Buffer.alloc(0), fields, properties }, atMs };
}

/** As many stay in hand, taken at 0. */
function stuck(count: number, returns?: number): { inHand: InHand; settle: (() => void)[] } {
  const inHand = new InHand();
  const settle: (() => void)[] = [];
  for (let i = 0; i < count; i += 1) {
    inHand.add(new Promise((resolve) => settle.push(resolve)), held(0, returns));
  }
  return { inHand, settle };
}

test('nothing in hand: it may', () => {
  expect(new InHand().mayTake(MOST)).toBe(true);
});

test('nothing got through: not before all that it had is settled', async () => {
  const { inHand, settle } = stuck(2);
  expect(inHand.mayTake(MOST)).toBe(false);
  settle[0]?.();
  await Promise.resolve();
  expect([inHand.size, inHand.mayTake(MOST)]).toEqual([1, false]);
  settle[1]?.();
  await inHand.end();
  expect([inHand.size, inHand.oldest, inHand.mayTake(MOST)]).toEqual([0, undefined, true]);
});

test('what was under way when the store went away shows nothing; what was taken long after does', () => {
  const { inHand } = stuck(1);
  inHand.settled(held(9_999));
  expect(inHand.mayTake(MOST)).toBe(false);
  inHand.settled(held(10_000));
  expect(inHand.mayTake(MOST)).toBe(true);
});

test('others get through, and half of what it may have is stuck: it may; more: it may not', () => {
  for (const [count, may] of [
    [5, true],
    [6, false],
  ] as const) {
    const { inHand } = stuck(count);
    inHand.settled(held(60_000));
    expect(inHand.mayTake(MOST)).toBe(may);
  }
});

test('others get through, and one comes near the delivery limit: it may not', () => {
  for (const [returns, may] of [
    [49, true],
    [50, false],
  ] as const) {
    const { inHand } = stuck(1, returns);
    inHand.settled(held(60_000));
    expect(inHand.mayTake(MOST)).toBe(may);
  }
});
