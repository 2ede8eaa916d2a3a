/** How much a producer may publish to all processes: what each is granted, and what that asks of the shared count. */
import { describe, expect, test } from 'vitest';
import { type SharedCount, SharedQuota } from '../../../../src/edge/limits/shared-quota.ts';
import { Unavailable } from '../../../../src/resilience/unavailable.ts';
import fc from '../../../support/fast-check.ts';

/** Counts as Redis does: a window begins with the first who takes, and ends by itself. */
class Count implements SharedCount {
  commands = 0;
  /** What the next commands fail with. */
  fault: Error | undefined;
  /** Called while a command is on its way. */
  onItsWay = () => {};
  readonly #windows = new Map<string, { taken: number; readonly endsAtMs: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async take(user: string, points: number, seconds: number) {
    this.commands += 1;
    if (this.fault !== undefined) throw this.fault;
    this.onItsWay();
    const nowMs = this.#now();
    const known = this.#windows.get(user);
    const fresh = { taken: 0, endsAtMs: nowMs + seconds * 1_000 };
    const window = known === undefined || known.endsAtMs <= nowMs ? fresh : known;
    this.#windows.set(user, window);
    const before = window.taken;
    window.taken += points;
    return { before, remainingMs: window.endsAtMs - nowMs };
  }
}

function setup(perSecond: number) {
  let nowMs = 5_000;
  const now = () => nowMs;
  const count = new Count(now);
  const seen = { refused: 0, alone: 0, counted: 0 };
  const ALONE_WAIT_MS = 77;
  const open = () =>
    new SharedQuota({
      perSecond,
      count,
      alone: {
        spent: async () => ALONE_WAIT_MS,
        take: async (_user, appends) => (appends > 1 ? ALONE_WAIT_MS : undefined),
      },
      now,
      onRefused: () => {
        seen.refused += 1;
      },
      onAlone: () => {
        seen.alone += 1;
      },
      onCounted: () => {
        seen.counted += 1;
      },
    });
  return {
    count,
    seen,
    ALONE_WAIT_MS,
    processes: [open(), open()] as const,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** How many were granted. */
async function grantedOf(takes: readonly Promise<number | undefined>[]): Promise<number> {
  return (await Promise.all(takes)).filter((waitMs) => waitMs === undefined).length;
}

const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

describe('a producer at two processes', () => {
  test('gets its share once, and again in the next second', async () => {
    const { processes, pass, seen } = setup(10);
    const publish = () => grantedOf(times(30, (i) => processes[i % 2 === 0 ? 0 : 1].take('orders', 1)));
    expect(await publish()).toBe(10);
    expect(seen.refused).toBe(20);
    pass(1_000);
    expect(await publish()).toBe(10);
  });

  test('has a share of its own', async () => {
    const { processes } = setup(2);
    expect(await grantedOf(times(3, () => processes[0].take('orders', 1)))).toBe(2);
    expect(await grantedOf(times(3, () => processes[1].take('billing', 1)))).toBe(2);
  });

  test('is told when the second ends, without another command', async () => {
    const { processes, pass, count } = setup(2);
    expect(await processes[0].take('orders', 2)).toBeUndefined();
    pass(300);
    expect(await processes[1].take('orders', 1)).toBe(700);
    const { commands } = count;
    pass(100);
    expect([await processes[0].spent('orders'), await processes[1].spent('orders')]).toEqual([600, 600]);
    expect([await processes[0].take('orders', 1), await processes[1].take('orders', 1)]).toEqual([600, 600]);
    expect(count.commands).toBe(commands);
    expect(await processes[0].spent('billing')).toBeUndefined();
    pass(600);
    expect(await processes[1].spent('orders')).toBeUndefined();
  });
});

describe('a batch', () => {
  test('is granted as a whole or not at all, and what it leaves is for smaller ones', async () => {
    const { processes } = setup(10);
    expect(await processes[0].take('orders', 6)).toBeUndefined();
    expect(await processes[1].take('orders', 5)).toBe(1_000);
    expect(await grantedOf(times(9, () => processes[1].take('orders', 1)))).toBe(4);
  });

  test('larger than a share takes the seconds that follow too, everywhere', async () => {
    const { processes, pass } = setup(10);
    expect(await processes[0].take('orders', 35)).toBeUndefined();
    expect(await processes[1].take('orders', 1)).toBe(4_000);
    pass(3_999);
    expect(await processes[0].take('orders', 1)).toBe(1);
    pass(1);
    expect(await processes[0].take('orders', 1)).toBeUndefined();
  });

  test('larger than a share is granted only if nothing else was published, and spoils nothing', async () => {
    const { processes } = setup(10);
    expect(await processes[0].take('orders', 1)).toBeUndefined();
    expect(await processes[0].take('orders', 11)).toBe(1_000);
    expect(await processes[1].take('orders', 11)).toBe(1_000);
    expect(await grantedOf(times(20, () => processes[1].take('orders', 1)))).toBe(9);
  });
});

describe('the shared count', () => {
  test('is asked once for all who come while it is asked', async () => {
    const { processes, count } = setup(1_000);
    expect(await grantedOf(times(500, () => processes[0].take('orders', 1)))).toBe(500);
    expect(count.commands).toBe(2);
  });

  test('is asked by one event after the other for a hundredth at a time, and loses no more of it', async () => {
    const { processes, count } = setup(1_000);
    const one = async (process: SharedQuota) => {
      let granted = 0;
      while ((await process.take('orders', 1)) === undefined) granted += 1;
      return granted;
    };
    for (let i = 0; i < 500; i += 1) expect(await processes[0].take('orders', 1)).toBeUndefined();
    const rest = await one(processes[1]);
    expect(count.commands).toBeLessThan(120);
    expect(500 + rest).toBeGreaterThanOrEqual(990);
    // What the first one has left is still its own.
    expect(500 + rest + (await one(processes[0]))).toBe(1_000);
  });

  test('never grants more than the share in a window, and grants all of it', async () => {
    const steps = fc.array(fc.record({ at: fc.nat(1), appends: fc.integer({ min: 1, max: 12 }) }), {
      minLength: 1,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (takes) => {
        const { processes } = setup(20);
        const answers = await Promise.all(
          takes.map(({ at, appends }) => processes[at === 0 ? 0 : 1].take('orders', appends)),
        );
        const used = takes.reduce((sum, { appends }, i) => sum + (answers[i] === undefined ? appends : 0), 0);
        expect(used).toBeLessThanOrEqual(20);
        const more = [...times(20, () => processes[0]), ...times(20, () => processes[1])];
        let rest = 0;
        for (const process of more) rest += (await process.take('orders', 1)) === undefined ? 1 : 0;
        expect(used + rest).toBe(20);
      }),
    );
  });

  test('may have begun a new window when it is asked: what was left of the last one is not granted', async () => {
    const { processes, pass, count } = setup(1_000);
    const [one, other] = processes;
    expect([await one.take('orders', 500), await one.take('orders', 1)]).toEqual([undefined, undefined]);
    pass(990);
    count.onItsWay = () => pass(20);
    expect(await one.take('orders', 20)).toBeUndefined();
    count.onItsWay = () => {};
    const takes = [
      ...times(1_010, () => one.take('orders', 1)),
      ...times(1_010, () => other.take('orders', 1)),
    ];
    expect(20 + (await grantedOf(takes))).toBe(1_000);
  });
});

describe('while the count is away', () => {
  test('each process decides alone, and asks again after a second', async () => {
    const { processes, count, seen, pass, ALONE_WAIT_MS } = setup(10);
    count.fault = new Unavailable('Redis is away');
    const [one] = processes;
    expect(await Promise.all([one.take('orders', 1), one.take('orders', 2)])).toEqual([
      undefined,
      ALONE_WAIT_MS,
    ]);
    expect(seen).toEqual({ refused: 0, alone: 2, counted: 0 });
    expect(await one.take('billing', 2)).toBe(ALONE_WAIT_MS);
    expect(await one.spent('billing')).toBe(ALONE_WAIT_MS);
    expect(count.commands).toBe(1);
    pass(1_000);
    count.fault = undefined;
    expect(await one.take('orders', 2)).toBeUndefined();
    expect(seen).toEqual({ refused: 0, alone: 3, counted: 1 });
  });

  test('a fault in the code is no outage', async () => {
    const { processes, count, seen } = setup(10);
    count.fault = new TypeError('of ours');
    await expect(processes[0].take('orders', 1)).rejects.toThrow('of ours');
    expect(seen.alone).toBe(0);
    count.fault = undefined;
    expect(await processes[0].take('orders', 1)).toBeUndefined();
  });
});

test('a user whose second is not over is known, however many there are', async () => {
  const { processes, count } = setup(1);
  const publish = () => grantedOf(times(3_000, (i) => processes[0].take(`user-${i}`, 1)));
  expect(await publish()).toBe(3_000);
  // One takes to learn that nothing is left, and the rest need none.
  expect([await publish(), await publish()]).toEqual([0, 0]);
  expect(count.commands).toBe(3_000);
});
