/** What observers of deliveries are called with, and that one that throws affects nobody else. */
import { expect, test } from 'vitest';
import type { Audience } from '../../../../src/contract/audience.ts';
import { type DeliveryObserver, DeliveryObservers } from '../../../../src/edge/gateway/delivery-observer.ts';
import { Feed } from '../../../../src/edge/gateway/feed.ts';
import type { Frame } from '../../../../src/edge/gateway/wire/frame.ts';
import { FakeLog, messageOf } from './fake-log.ts';

const OWN: Audience = 'topic:carillon.canary.n1';
const message = messageOf('a', 1);

function unexpected(): never {
  throw new Error('nothing should have failed');
}

/** Notes each moment, under a name. */
function noting(calls: string[], name = ''): Required<DeliveryObserver> {
  return {
    passedOn: (audience, { offset }, sockets) =>
      void calls.push(`${name}passedOn ${audience} ${offset} ${sockets}`),
    healed: (audience) => void calls.push(`${name}healed ${audience}`),
    recovered: (result, notifications) => void calls.push(`${name}recovered ${result} ${notifications}`),
  };
}

function throwing(message: string): Required<DeliveryObserver> {
  const fail = () => {
    throw new TypeError(message);
  };
  return { passedOn: fail, healed: fail, recovered: fail };
}

function call(observers: DeliveryObservers, audience: Audience = 'user:ada'): void {
  observers.passedOn(audience, message, 2);
  observers.healed(audience);
  observers.recovered('part', 3);
}

test('each moment reaches every observer that has it, in the order in which they are listed', () => {
  const calls: string[] = [];
  const { healed } = noting(calls, 'c ');
  call(new DeliveryObservers([noting(calls, 'a '), {}, noting(calls, 'b '), { healed }], unexpected));
  expect(calls).toEqual([
    'a passedOn user:ada 1 2',
    'b passedOn user:ada 1 2',
    'a healed user:ada',
    'b healed user:ada',
    'c healed user:ada',
    'a recovered part 3',
    'b recovered part 3',
  ]);
});

test("of Carillon's own topics observers hear only that they were healed", () => {
  const calls: string[] = [];
  call(new DeliveryObservers([noting(calls)], unexpected), OWN);
  expect(calls).toEqual([`healed ${OWN}`, 'recovered part 3']);
});

test('an observer that throws keeps no other from hearing, and is reported once', () => {
  const calls: string[] = [];
  const faults: unknown[] = [];
  const observing = [throwing('a'), noting(calls), throwing('b')];
  const observers = new DeliveryObservers(observing, (error) => faults.push(error));
  call(observers);
  call(observers);
  expect(calls).toHaveLength(6);
  expect(faults).toEqual([new TypeError('a'), new TypeError('b')]);
});

test('a feed passes on what comes behind the notification on which an observer failed', async () => {
  const faults: unknown[] = [];
  const observers = new DeliveryObservers([throwing('a fault of ours')], (error) => faults.push(error));
  const feed = new Feed('user:ada', {
    inbox: new FakeLog(),
    inForce: async () => {},
    observers,
    onFault: unexpected,
    now: Date.now,
  });
  await feed.opened;
  const written: Frame[] = [];
  feed.enter('socket', { write: (frame) => written.push(frame), resync: unexpected });
  feed.receive(messageOf('a', 1));
  feed.receive(messageOf('a', 2));
  expect(written).toHaveLength(2);
  expect(faults).toHaveLength(1);
});
