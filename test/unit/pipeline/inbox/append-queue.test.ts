/** AppendQueue: each audience's appends keep their order while they are many, while they fail, and at the end. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import fc from '../../../support/fast-check.ts';
import { away, outcomeOf, pause, placeOf, settle, setup } from './batches.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a queue', () => {
  test('sends the first entry at once, alone', () => {
    const { append, batches } = setup();
    void append('user:1', 1);
    void append('user:1', 2);
    expect(batches).toMatchObject([{ audience: 'user:1', ids: ['1'] }]);
  });

  test('has one batch under way, and what waited leaves together and in order', async () => {
    const { append, batches, latest } = setup();
    const outcomes = [1, 2, 3].map((id) => outcomeOf(append('user:1', id)));
    await settle();
    expect(batches.map(({ ids }) => ids)).toEqual([['1']]);
    latest().succeed();
    await settle();
    outcomes.push(outcomeOf(append('user:1', 4)));
    expect(batches.map(({ ids }) => ids)).toEqual([['1'], ['2', '3']]);
    expect(outcomes.map(({ state }) => state)).toEqual(['at 1', 'pending', 'pending', 'pending']);
    latest().succeed();
    await settle();
    latest().succeed();
    await settle();
    expect(batches.map(({ ids }) => ids)).toEqual([['1'], ['2', '3'], ['4']]);
    expect(outcomes.map(({ state }) => state)).toEqual(['at 1', 'at 2', 'at 3', 'at 4']);
  });

  test('that has become idle sends at once again', async () => {
    const { append, batches, latest } = setup();
    void append('user:1', 1);
    latest().succeed();
    await settle();
    void append('user:1', 2);
    expect(batches.map(({ ids }) => ids)).toEqual([['1'], ['2']]);
  });

  test('sends at most 100 entries in a batch', async () => {
    const { append, batches, latest } = setup();
    for (let id = 0; id < 251; id += 1) void append('user:1', id);
    for (let i = 0; i < 4; i += 1) {
      latest().succeed();
      await settle();
    }
    expect(batches.map(({ ids }) => ids.length)).toEqual([1, 100, 100, 50]);
    expect(batches.flatMap(({ ids }) => ids)).toEqual(Array.from({ length: 251 }, (_, id) => String(id)));
  });

  test('tries a failed batch again before anything later, and reports each failure', async () => {
    const { append, batches, held, latest } = setup();
    const outcomes = [1, 2].map((id) => outcomeOf(append('user:1', id)));
    const errors = [away(), away(), away()];
    for (const error of errors) {
      latest().fail(error);
      await pause();
    }
    expect(batches.map(({ ids }) => ids)).toEqual([['1'], ['1'], ['1'], ['1']]);
    expect(held).toEqual(errors);
    expect(outcomes.map(({ state }) => state)).toEqual(['pending', 'pending']);
    latest().succeed();
    await settle();
    expect(latest().ids).toEqual(['2']);
    expect(outcomes.map(({ state }) => state)).toEqual(['at 1', 'pending']);
  });

  test('has only one batch under way while it tries again', async () => {
    const { append, batches, latest } = setup();
    void append('user:1', 1);
    latest().fail(away());
    await pause();
    void append('user:1', 2);
    await pause();
    expect(batches.map(({ ids }) => ids)).toEqual([['1'], ['1']]);
  });

  test('sends as many bytes as the inbox takes now, and one entry whatever its size', async () => {
    const { append, batches, latest } = setup(() => 100);
    for (const [id, bytes] of [10, 40, 60, 1, 500, 99].entries()) void append('user:1', id, { bytes });
    for (let i = 0; i < 4; i += 1) {
      latest().succeed();
      await settle();
    }
    expect(batches.map(({ ids }) => ids)).toEqual([['0'], ['1', '2'], ['3'], ['4'], ['5']]);
  });

  test('tries a failed batch again with fewer entries when the inbox takes less, and never with more', async () => {
    let limit = 1_000;
    const { append, batches, latest } = setup(() => limit);
    const outcomes = [0, 1, 2, 3, 4].map((id) => outcomeOf(append('user:1', id, { bytes: 100 })));
    latest().succeed();
    await settle();
    for (const next of [200, 50, 1_000]) {
      limit = next;
      latest().fail(away());
      await pause();
    }
    expect(batches.map(({ ids }) => ids)).toEqual([['0'], ['1', '2', '3', '4'], ['1', '2'], ['1'], ['1']]);
    for (let i = 0; i < 2; i += 1) {
      latest().succeed();
      await settle();
    }
    expect(latest().ids).toEqual(['2', '3', '4']);
    expect(outcomes.map(({ state }) => state)).toEqual(['at 0', 'at 1', 'at 2', 'at 3', 'at 4']);
  });

  test('is stalled when nothing has succeeded for ten seconds, in any of them, and goes on', async () => {
    const { append, batches, appendQueue, latest } = setup();
    void append('user:1', 1);
    for (let i = 0; i < 5; i += 1) {
      expect(appendQueue.isStalled).toBe(false);
      latest().fail(away());
      await pause();
    }
    latest().fail(away());
    await settle();
    expect(appendQueue.isStalled).toBe(true);
    void append('user:2', 2);
    batches.find(({ audience }) => audience === 'user:2')?.succeed();
    await settle();
    expect(appendQueue.isStalled).toBe(false);
  });

  test('rejects what an inbox did not answer for, and goes on', async () => {
    const { append, latest } = setup();
    const outcomes = [1, 2, 3].map((id) => outcomeOf(append('user:1', id)));
    latest().succeed();
    await settle();
    latest().succeed([placeOf(2)]);
    const after = outcomeOf(append('user:1', 4));
    await settle();
    latest().succeed();
    await settle();
    expect([...outcomes, after].map(({ state }) => state)).toEqual([
      'at 1',
      'at 2',
      expect.stringMatching(/^rejected: .*fewer entries/),
      'at 4',
    ]);
  });
});

test('audiences do not wait for each other', async () => {
  const { append, batches } = setup();
  const first = outcomeOf(append('user:1', 1));
  const second = outcomeOf(append('user:2', 2));
  batches[0]?.fail(away());
  batches[1]?.succeed();
  await settle();
  expect([first.state, second.state]).toEqual(['pending', 'at 2']);
  void append('user:2', 3);
  expect(batches.at(-1)).toMatchObject({ audience: 'user:2', ids: ['3'] });
});

test('the log gets each entry once and in order, however batches fail', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), fc.nat(30), async (fates, count) => {
      const { append, batches, latest } = setup();
      const log: string[] = [];
      const appends = Array.from({ length: count }, (_, id) => outcomeOf(append('global', id)));
      for (let i = 0; batches.length > i; i += 1) {
        if (fates[i]) {
          latest().fail(away());
        } else {
          log.push(...latest().ids);
          latest().succeed();
        }
        await pause();
      }
      expect(log).toEqual(Array.from({ length: count }, (_, id) => String(id)));
      expect(appends.map(({ state }) => state)).toEqual(log.map((id) => `at ${id}`));
    }),
  );
});

describe('close', () => {
  const closed = 'rejected: the append queue is closed';

  test('rejects what waits to be tried again, and everything after', async () => {
    const { append, batches, appendQueue, latest } = setup();
    const first = outcomeOf(append('user:1', 1));
    latest().fail(away());
    await settle();
    latest().fail(away());
    await settle();
    appendQueue.close();
    await settle();
    const late = outcomeOf(append('user:1', 2));
    const elsewhere = outcomeOf(append('user:2', 3));
    await pause();
    expect([first, late, elsewhere].map(({ state }) => state)).toEqual([closed, closed, closed]);
    expect(batches).toHaveLength(2);
  });

  test('lets a batch that is under way and succeeds count', async () => {
    const { append, appendQueue, latest } = setup();
    const first = outcomeOf(append('user:1', 1));
    appendQueue.close();
    latest().succeed();
    await settle();
    expect(first.state).toBe('at 1');
  });

  test('tries a batch that fails after it no more', async () => {
    const { append, batches, appendQueue, latest } = setup();
    const first = outcomeOf(append('user:1', 1));
    appendQueue.close();
    latest().fail(away());
    await pause();
    expect(first.state).toBe(closed);
    expect(batches).toHaveLength(1);
  });

  // What is given up goes back to the queue: an entry behind it that still got into the log would overtake it.
  test('lets nothing overtake what it gave up', async () => {
    const { append, batches, appendQueue, latest } = setup();
    const outcomes = [1, 2].map((id) => outcomeOf(append('user:1', id)));
    latest().fail(away());
    await settle();
    latest().fail(away());
    await settle();
    appendQueue.close();
    await settle();
    expect(batches.map(({ ids }) => ids)).toEqual([['1'], ['1']]);
    expect(outcomes.map(({ state }) => state)).toEqual([closed, closed]);
  });
});

describe('an entry on which the store is not away, and fails all the same', () => {
  /** Ends every batch: one with the entry fails, others succeed. */
  const until = async (batches: ReturnType<typeof setup>['batches'], done: () => boolean, poison: string) => {
    for (let i = 0; i < 60 && !done(); i += 1) {
      const batch = batches.at(-1);
      if (batch?.ids.includes(poison)) batch.fail(new TypeError('reading of undefined'));
      else batch?.succeed();
      await pause();
    }
  };

  test('is given back after five tries, alone; the others keep their order', async () => {
    const { append, batches } = setup();
    const outcomes = [1, 2, 3, 4].map((id) => outcomeOf(append('user:1', id)));
    await until(batches, () => outcomes.every(({ state }) => state !== 'pending'), '3');
    expect(outcomes.map(({ state }) => state)).toEqual([
      'at 1',
      'at 2',
      'rejected: the entry cannot be appended',
      'at 4',
    ]);
    const succeeded = batches.filter(({ ids }) => !ids.includes('3')).flatMap(({ ids }) => ids);
    expect(succeeded).toEqual(['1', '2', '4']);
  });

  test('is no reason to say that nothing gets through', async () => {
    const { append, batches, appendQueue } = setup();
    const outcome = outcomeOf(append('user:1', 1));
    await until(batches, () => outcome.state !== 'pending', '1');
    expect([outcome.state, appendQueue.isStalled]).toEqual(['rejected: the entry cannot be appended', false]);
    expect(batches).toHaveLength(5);
  });
});
