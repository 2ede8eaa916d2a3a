/** An event for very many audiences does not stand in the way of the others. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Audience } from '../../../../src/contract/audience.ts';
import { away, outcomeOf, pause, settle, setup } from './batches.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('an event for very many audiences', () => {
  const WIDE = 250;

  function flooded() {
    const all = setup();
    const wide = Array.from({ length: WIDE }, (_, i) =>
      outcomeOf(all.append(`user:w${i}`, i, { isWide: true })),
    );
    const begun = (audience: Audience) => all.batches.some((batch) => batch.audience === audience);
    return { ...all, wide, begun };
  }

  test('has 100 appends under way; those of others begin at once', async () => {
    const { append, batches, begun } = flooded();
    expect(batches).toHaveLength(100);
    void append('user:1', 1_000);
    expect(begun('user:1')).toBe(true);
  });

  test('gets all of its appends, one for each that has ended', async () => {
    const { batches, wide } = flooded();
    for (let i = 0; i < WIDE; i += 1) {
      batches[i]?.succeed();
      await settle();
      expect(batches).toHaveLength(Math.min(WIDE, 101 + i));
    }
    expect(wide.every(({ state }) => state.startsWith('at '))).toBe(true);
  });

  test('is not overtaken in an audience, and does not hold back who waits behind it there', () => {
    const { append, batches, begun } = flooded();
    expect(begun('user:w200')).toBe(false);
    void append('user:w200', 1_000);
    expect(batches.filter(({ audience }) => audience === 'user:w200')).toMatchObject([
      { ids: ['200', '1000'] },
    ]);
  });

  test('makes way while the store is away for some of its audiences', async () => {
    const { batches, begun } = flooded();
    for (const { fail } of batches.slice(0, 100)) fail(away());
    await settle();
    expect(begun('user:w199')).toBe(true);
  });

  test('is given up like any other', async () => {
    const { batches, appendQueue, wide } = flooded();
    appendQueue.close();
    for (const { fail } of batches) fail(away());
    await pause();
    expect(wide.every(({ state }) => state === 'rejected: the append queue is closed')).toBe(true);
    expect(batches).toHaveLength(100);
  });
});
