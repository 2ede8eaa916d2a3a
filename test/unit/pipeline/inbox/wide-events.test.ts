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
    const begun = (audience: Audience) => all.flights.some((flight) => flight.audience === audience);
    return { ...all, wide, begun };
  }

  test('has 100 appends under way; those of others begin at once', async () => {
    const { append, flights, begun } = flooded();
    expect(flights).toHaveLength(100);
    void append('user:1', 1_000);
    expect(begun('user:1')).toBe(true);
  });

  test('gets all of its appends, one for each that has ended', async () => {
    const { flights, wide } = flooded();
    for (let i = 0; i < WIDE; i += 1) {
      flights[i]?.succeed();
      await settle();
      expect(flights).toHaveLength(Math.min(WIDE, 101 + i));
    }
    expect(wide.every(({ state }) => state.startsWith('at '))).toBe(true);
  });

  test('is not overtaken in an audience, and does not hold back who waits behind it there', () => {
    const { append, flights, begun } = flooded();
    expect(begun('user:w200')).toBe(false);
    void append('user:w200', 1_000);
    expect(flights.filter(({ audience }) => audience === 'user:w200')).toMatchObject([
      { ids: ['200', '1000'] },
    ]);
  });

  test('makes way while the store is away for some of its audiences', async () => {
    const { flights, begun } = flooded();
    for (const { fail } of flights.slice(0, 100)) fail(away());
    await settle();
    expect(begun('user:w199')).toBe(true);
  });

  test('is given up like any other', async () => {
    const { flights, lanes, wide } = flooded();
    lanes.close();
    for (const { fail } of flights) fail(away());
    await pause();
    expect(wide.every(({ state }) => state === 'rejected: the lanes are closed')).toBe(true);
    expect(flights).toHaveLength(100);
  });
});
