/** What one user's requests may cost, and how many are answered at the same time. */
import { describe, expect, test } from 'vitest';
import type { RequestGrant } from '../../../../src/edge/limits/request-limits.ts';
import { UserRequests } from '../../../../src/edge/limits/user-requests.ts';
import fc from '../../../support/fast-check.ts';

const PER_SECOND = 100;
const BURST = 10 * PER_SECOND;

function setup(atOnce = 2) {
  let nowMs = 0;
  let cost = 0;
  const refused: string[] = [];
  const requests = new UserRequests({
    costPerSecond: PER_SECOND,
    atOnce,
    now: () => nowMs,
    onCost: (units) => {
      cost += units;
    },
    onRefused: (reason) => refused.push(reason),
  });
  const begin = (user = 'ada', isWanted = () => true) => requests.begin(user, isWanted);
  return {
    begin,
    refused,
    /** One that costs so much. */
    ask: async (units: number, user = 'ada') => {
      const turn = await begin(user);
      if (!turn.ok) return turn.retryAfterMs;
      turn.meter.spend(units);
      turn.end();
      return undefined;
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
    get cost() {
      return cost;
    },
  };
}

/** What has resolved until now. */
async function outcomesOf(
  turns: readonly Promise<RequestGrant>[],
): Promise<readonly (boolean | undefined)[]> {
  const outcomes: (boolean | undefined)[] = turns.map(() => undefined);
  turns.forEach((turn, i) => {
    void turn.then(({ ok }) => {
      outcomes[i] = ok;
    });
  });
  await new Promise((resolve) => setImmediate(resolve));
  return outcomes;
}

const end = (turn: RequestGrant) => turn.ok && turn.end();

describe('the budget', () => {
  test('is spent by what requests cost, and comes back with time', async () => {
    const { ask, pass } = setup();
    expect(await ask(2 * BURST)).toBeUndefined();
    const waitMs = (await ask(1)) ?? 0;
    expect(waitMs).toBeGreaterThan(9_000);
    pass(waitMs - 2);
    expect(await ask(1)).toBeGreaterThan(0);
    pass(3);
    expect(await ask(1)).toBeUndefined();
  });

  test("of another user is the other user's", async () => {
    const { ask } = setup();
    await ask(2 * BURST);
    expect(await ask(1, 'bob')).toBeUndefined();
  });

  test('is one for a user, also when very many others come and go', async () => {
    const { ask, pass } = setup();
    await ask(100 * BURST);
    for (let i = 0; i < 5_000; i += 1) await ask(1, `u${i}`);
    pass(60_000);
    for (let i = 0; i < 5_000; i += 1) await ask(1, `v${i}`);
    expect(await ask(1)).toBeGreaterThan(0);
  });

  test('over any time: no more than the burst, what comes back, and what was under way', async () => {
    const MOST = 500;
    const step = fc.tuple(fc.nat(3_000), fc.nat(MOST));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const own = setup();
        let nowMs = 0;
        for (const [pauseMs, units] of steps) {
          own.pass(pauseMs);
          nowMs += pauseMs;
          await own.ask(units);
          expect(own.cost).toBeLessThanOrEqual(BURST + (nowMs / 1_000) * PER_SECOND + MOST + 10);
        }
      }),
    );
  });
});

describe('at the same time', () => {
  test('so many are answered, the others in their order when one has ended', async () => {
    const { begin } = setup();
    const turns = [begin(), begin(), begin(), begin()];
    expect(await outcomesOf(turns)).toEqual([true, true, undefined, undefined]);
    end(await begin('bob'));
    end(await (turns[1] ?? begin()));
    expect(await outcomesOf(turns)).toEqual([true, true, true, undefined]);
  });

  test('60 wait, and one more is refused', async () => {
    const { begin, refused } = setup(1);
    const turns = Array.from({ length: 62 }, () => begin());
    const outcomes = await outcomesOf(turns);
    expect(outcomes.filter((ok) => ok === undefined)).toHaveLength(60);
    expect(outcomes.at(-1)).toBe(false);
    expect(refused).toEqual(['waiting']);
  });

  test('whoever waited and is gone makes room for the next', async () => {
    const { begin } = setup(1);
    const turns = [begin(), begin('ada', () => false), begin()];
    await outcomesOf(turns);
    end(await (turns[0] ?? begin()));
    expect(await outcomesOf(turns)).toEqual([true, false, true]);
  });

  test('whoever waited while the others spent everything is refused', async () => {
    const { begin } = setup(1);
    const turns = [begin(), begin(), begin()];
    const first = await (turns[0] ?? begin());
    if (first.ok) first.meter.spend(2 * BURST);
    end(first);
    expect(await outcomesOf(turns)).toEqual([true, false, false]);
  });

  test('who ends twice has ended once', async () => {
    const { begin } = setup(1);
    const first = await begin();
    end(first);
    end(first);
    expect(await outcomesOf([begin(), begin()])).toEqual([true, undefined]);
  });
});
