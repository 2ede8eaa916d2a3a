/** Unreached within one process: when checks come back, that each notification is told once, and what ends it. */
import { pino } from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Audience } from '../../../src/contract/audience.ts';
import type { Event } from '../../../src/contract/event.ts';
import { notificationSchema } from '../../../src/contract/notification.ts';
import { signalEventSchema } from '../../../src/contract/signal.ts';
import type { Check } from '../../../src/reach/check.ts';
import { LocalUnreachedMemory } from '../../../src/reach/local-unreached-memory.ts';
import { MemoryUnreached } from '../../../src/reach/memory-unreached.ts';
import type { ReachCheck, Verdict } from '../../../src/reach/reach-check.ts';

const AFTER_MS = 5_000;
const ADA = 'user:ada';
const EVENT: Event = { specversion: '1.0', id: 'e', source: '/test', type: 'test.made' };

const notification = (audience: Audience, offset: number) =>
  notificationSchema.parse({
    id: `e${offset}`,
    source: '/test',
    type: 'test.made',
    time: '2026-11-20T09:00:00Z',
    audience,
    epoch: 'a1',
    offset,
    severity: 'info',
    data: {},
  });

const unreachedAt = ({ audience, offset }: Check): Verdict => ({
  kind: 'unreached',
  user: audience.slice('user:'.length),
  notification: notification(audience, offset),
});

/** Timers that go off when they are told to. */
class Clock {
  nowMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>();

  readonly after = (delayMs: number, run: () => void) => {
    const timer = { atMs: this.nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  get waiting(): number {
    return this.#timers.size;
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of [...this.#timers]) {
      if (timer.atMs > this.nowMs) continue;
      this.#timers.delete(timer);
      timer.run();
    }
  }
}

let clock: Clock;
let told: { readonly id: string }[];
let outcomes: string[];
let judged: Check[];
let reachCheck: ReachCheck;
let unreached: MemoryUnreached;

beforeEach(() => {
  clock = new Clock();
  told = [];
  outcomes = [];
  judged = [];
  reachCheck = async (check) => unreachedAt(check);
  const schema = signalEventSchema('notification.unreached');
  unreached = new MemoryUnreached({
    reachCheck: (check) => {
      judged.push(check);
      return reachCheck(check);
    },
    memory: new LocalUnreachedMemory({ fetchedKeptMs: 1, signalledKeptMs: 60_000 }, () => clock.nowMs),
    listeners: {
      emit: (body) => {
        told.push(schema.parse(JSON.parse(body.toString())));
        return true;
      },
    },
    afterMs: AFTER_MS,
    after: clock.after,
    log: pino({ level: 'silent' }),
    onSignal: (_name, outcome) => outcomes.push(outcome),
  });
});

function append(
  offset: number,
  more: { gateways?: number; audience?: Audience; event?: Partial<Event> } = {},
) {
  const { gateways = 0, audience = ADA, event } = more;
  const appended = { epoch: 'a1', offset, repeat: false, gateways };
  return unreached.schedule({ ...EVENT, id: `e${offset}`, ...event }, audience, appended);
}

async function passed(ms: number): Promise<string[]> {
  clock.pass(ms);
  await unreached.drain();
  return told.map(({ id }) => id);
}

test('is reported after its time, and nobody waits for that', async () => {
  expect(append(1)).toBeUndefined();
  expect(await passed(AFTER_MS - 1)).toEqual([]);
  expect(await passed(1)).toEqual(['unreached user:ada a1 1']);
  expect(told).toMatchObject([
    { source: '/carillon', subject: 'ada', data: { user: 'ada', notification: { id: 'e1' } } },
  ]);
  expect(judged).toEqual([{ audience: ADA, offset: 1, source: '/test', id: 'e1', waits: 1 }]);
  expect(outcomes).toEqual(['published']);
});

test('is reported once, however often its event comes', async () => {
  append(1);
  append(1);
  append(2);
  expect(await passed(AFTER_MS)).toEqual(['unreached user:ada a1 1', 'unreached user:ada a1 2']);
  append(1);
  expect(await passed(AFTER_MS)).toHaveLength(2);
});

test.for<[string, Parameters<typeof append>[1]]>([
  ['that a gateway took', { gateways: 1 }],
  ['for a department', { audience: 'department:sales' }],
  ['that takes another one back', { event: { type: 'carillon.retract' } }],
])('nothing is checked %s', ([, more]) => {
  append(1, more);
  expect(clock.waiting).toBe(0);
});

test('what has reached its user is not reported', async () => {
  reachCheck = async () => ({ kind: 'settled' });
  append(1);
  expect(await passed(AFTER_MS)).toEqual([]);
  expect(clock.waiting).toBe(0);
});

test('what cannot be reported yet waits again, and it is known how often', async () => {
  reachCheck = async (check) => (check.waits < 3 ? { kind: 'open' } : unreachedAt(check));
  append(1);
  expect(await passed(AFTER_MS)).toEqual([]);
  expect(await passed(AFTER_MS)).toEqual([]);
  expect(await passed(AFTER_MS)).toHaveLength(1);
  expect(judged.map(({ waits }) => waits)).toEqual([1, 2, 3]);
});

test('one that cannot be decided does not hold up the others', async () => {
  reachCheck = async (check) => {
    if (check.offset === 1) throw new Error('no');
    return unreachedAt(check);
  };
  append(1);
  append(2);
  expect(await passed(AFTER_MS)).toEqual(['unreached user:ada a1 2']);
});

describe('at the end', () => {
  test('what waits is given up, and nothing begins to wait any more', async () => {
    append(1);
    unreached.stop();
    append(2);
    expect(clock.waiting).toBe(0);
    expect(await passed(AFTER_MS)).toEqual([]);
  });

  test('what is being decided is waited for', async () => {
    let settle = (_: Verdict) => {};
    reachCheck = () => new Promise((resolve) => (settle = resolve));
    append(1);
    clock.pass(AFTER_MS);
    await expect.poll(() => judged).toHaveLength(1);
    unreached.stop();
    const drained = unreached.drain();
    settle(unreachedAt({ audience: ADA, offset: 1, source: '/test', id: 'e1', waits: 1 }));
    await drained;
    expect(told).toHaveLength(1);
  });
});
