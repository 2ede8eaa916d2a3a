/** An event's life, as its observers are told it: in order, once, and whatever they do. */
import { describe, expect, test } from 'vitest';
import { type Audience, audienceKind } from '../../../src/contract/audience.ts';
import { CANARY_TYPE, type Event } from '../../../src/contract/event.ts';
import { createDeliver } from '../../../src/pipeline/deliver.ts';
import { withCanaries } from '../../../src/pipeline/deliver-canary.ts';
import { type EventObserver, EventObservers } from '../../../src/pipeline/event-observer.ts';
import { AppendQueue } from '../../../src/pipeline/inbox/append-queue.ts';
import { MemoryInbox } from '../../../src/pipeline/inbox/memory-inbox.ts';
import { EmbeddedQueue } from '../../../src/pipeline/ingest/embedded-queue.ts';
import { Routing } from '../../../src/pipeline/routing/routing.ts';

const forAll = (number: number) => ({ user: number, department: number, topic: number, global: number });
const limits = { maxLength: forAll(10), maxAgeMs: forAll(60_000), dedupeMs: 60_000 };

const event = (extra: Partial<Event> = {}): Event => ({
  specversion: '1.0',
  id: 'e1',
  source: '/orders',
  type: 'order.shipped',
  audience: ['user:ada', 'global'],
  ...extra,
});

/** Notes each moment, under a name. */
function noting(told: string[], name = ''): Required<EventObserver> {
  return {
    received: ({ names }) => void told.push(`${name}received ${names.id}`),
    mapped: ({ mapped }) => void told.push(`${name}mapped to ${mapped.length}`),
    appended: (_life, audience, { offset }) => void told.push(`${name}appended ${audience} ${offset}`),
    settled: (_life, { kind }) => void told.push(`${name}settled ${kind}`),
  };
}

class FailingInbox extends MemoryInbox {
  closedFor: Audience | undefined;

  override async append(...[audience, entries]: Parameters<MemoryInbox['append']>) {
    if (audience === this.closedFor) throw new TypeError('a fault of ours');
    return await super.append(audience, entries);
  }
}

/** The queue of embedded mode with these observers. */
function stage(observing: readonly EventObserver[], closedFor?: Audience) {
  const faults: unknown[] = [];
  const dead: string[] = [];
  const observers = new EventObservers(observing, (error) => faults.push(error));
  const inbox = new FailingInbox({ limits, publish: () => 0, now: Date.now });
  inbox.closedFor = closedFor;
  const appendQueue = new AppendQueue(inbox, () => {});
  const deliver = createDeliver({
    appendQueue,
    routing: new Routing([]),
    maxAudiences: 2,
    isSampled: () => true,
    observers,
  });
  const queue = new EmbeddedQueue({
    handle: withCanaries({ node: 'node-1', appendQueue, now: Date.now }, deliver),
    observers,
    onDeadLetter: (_event, { code }) => dead.push(code),
    onFault: () => {},
  });
  return {
    faults,
    dead,
    inbox,
    take: async (given: Event) => {
      await queue.publish(given);
      await queue.drain();
    },
  };
}

test('each moment is reported in order, to one observer after the other', async () => {
  const told: string[] = [];
  await stage([noting(told, 'a '), noting(told, 'b ')]).take(event({ audience: ['user:ada'] }));
  expect(told).toEqual([
    'a received e1',
    'b received e1',
    'a mapped to 1',
    'b mapped to 1',
    'a appended user:ada 1',
    'b appended user:ada 1',
    'a settled ack',
    'b settled ack',
  ]);
});

test('an event is settled after all of its appends, and once', async () => {
  const told: string[] = [];
  await stage([noting(told)]).take(event());
  expect(told.slice(2).sort()).toEqual(['appended global 1', 'appended user:ada 1', 'settled ack']);
  expect(told.at(-1)).toBe('settled ack');
});

test('all moments are of one life, which knows more from one to the next', async () => {
  const lives: unknown[] = [];
  const keep = (life: unknown) => void lives.push(life);
  const given = event();
  await stage([{ received: keep, mapped: keep, appended: keep, settled: keep }]).take(given);
  expect(new Set(lives).size).toBe(1);
  expect(lives[0]).toMatchObject({
    event: given,
    isSampled: true,
    mapped: [{ audience: 'user:ada' }, { audience: 'global' }],
  });
});

test.each<[string, Partial<Event>, string]>([
  ['expired', { expirytime: '2020-01-01T00:00:00Z' }, 'expired'],
  ['for too many', { audience: ['user:a', 'user:b', 'user:c'] }, 'too_many_audiences'],
])('one that is %s is received and settled as a dead letter, and not mapped', async (_how, extra, code) => {
  const told: string[] = [];
  const { take, dead } = stage([noting(told)]);
  await take(event(extra));
  expect(told).toEqual(['received e1', 'settled dead-letter']);
  expect(dead).toEqual([code]);
});

test('one on which the service fails is settled as a dead letter too', async () => {
  const told: string[] = [];
  const { take, dead } = stage([noting(told)], 'global');
  await take(event({ audience: ['global'] }));
  expect(told).toEqual(['received e1', 'mapped to 1', 'settled dead-letter']);
  expect(dead).toEqual(['internal']);
});

test('nothing is reported of a canary, unless it is refused', async () => {
  const told: string[] = [];
  const { take } = stage([noting(told)]);
  await take(event({ type: CANARY_TYPE, audience: ['topic:carillon.canary.n1'] }));
  expect(told).toEqual([]);
  await take(event({ type: CANARY_TYPE }));
  expect(told).toEqual(['settled dead-letter']);
});

test('who wants one moment gets that one alone', async () => {
  const told: string[] = [];
  const { settled } = noting(told);
  await stage([{ settled }, {}]).take(event());
  expect(told).toEqual(['settled ack']);
});

test('notifications carry the traceparent that an observer sets when the event is mapped', async () => {
  const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
  const { take, inbox } = stage([
    {
      mapped: (life) => {
        life.traceparent = traceparent;
      },
    },
  ]);
  await take(event({ audience: ['user:ada'] }));
  const [stored] = await inbox.read('user:ada', 1, 1);
  expect(JSON.parse(stored?.json ?? '')).toMatchObject({ id: 'e1', traceparent });
});

describe('an observer that throws', () => {
  const moments = ['received', 'mapped', 'appended', 'settled'] as const;

  test.each(moments)('in %s costs neither the event nor what others get', async (moment) => {
    const told: string[] = [];
    const fault = new Error('of an observer');
    const throwing = {
      [moment]: () => {
        throw fault;
      },
    };
    const { take, faults, dead, inbox } = stage([throwing, noting(told)]);
    await take(event());
    await take(event({ id: 'e2' }));
    expect(dead).toEqual([]);
    expect((await inbox.heads(['user:ada', 'global'])).map(({ offset }) => offset)).toEqual([2, 2]);
    expect(told.filter((line) => line.startsWith('settled'))).toEqual(['settled ack', 'settled ack']);
    expect(told).toHaveLength(10);
    // Told once, not with every event.
    expect(faults).toEqual([fault]);
  });

  test('is reported as what it is: each observer for itself', async () => {
    const fail = (message: string) => ({
      appended: (_life: unknown, audience: Audience) => {
        throw new Error(`${message} ${audienceKind(audience)}`);
      },
    });
    const { take, faults } = stage([fail('a'), fail('b')]);
    await take(event({ audience: ['global'] }));
    expect(faults).toEqual([new Error('a global'), new Error('b global')]);
  });
});
