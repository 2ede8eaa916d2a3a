/** One toast among tabs: exactly one when they hear each other, and never none. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Channel, type Environment, environment } from '../../../../src/clients/client/environment.ts';
import { Tabs } from '../../../../src/clients/client/tabs.ts';
import fc from '../../../support/fast-check.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ENOUGH_MS = 60_000;

/** A browser: its tabs hear each other after `latencyMs`. */
function browser(latencyMs: () => number = () => 1) {
  const channels = new Set<Channel>();
  const locked = new Set<string>();
  const tryLock = async (name: string) => {
    if (locked.has(name)) return undefined;
    locked.add(name);
    return () => void locked.delete(name);
  };
  const told: string[] = [];
  const openChannel = () => {
    const channel: Channel = {
      onmessage: null,
      postMessage: (data) => {
        for (const other of channels) {
          if (other !== channel) setTimeout(() => other.onmessage?.({ data }), latencyMs());
        }
      },
      close: () => void channels.delete(channel),
    };
    channels.add(channel);
    return channel;
  };
  const openTab = (name: string, options: Partial<Environment> = {}) => {
    const tabs = new Tabs({ ...environment(), openChannel, tryLock: undefined, ...options }, 'toasts');
    return {
      claim: (key = 'k') => tabs.claim(key, () => told.push(`${name} ${key}`)),
      close: () => tabs.close(),
    };
  };
  return { channels, locked, tryLock, told, openTab };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('without a channel it is told at once', () => {
  const { told, openTab } = browser();
  const tab = openTab('a', { openChannel: () => undefined });
  tab.claim();
  expect(told).toEqual(['a k']);
});

test('a tab alone tells, each key once', async () => {
  const { told, openTab } = browser();
  const tab = openTab('a');
  tab.claim();
  tab.claim('l');
  await pass(ENOUGH_MS);
  tab.claim();
  await pass(ENOUGH_MS);
  expect(told).toEqual(['a k', 'a l']);
});

test('a visible tab goes before hidden ones', async () => {
  const { told, openTab } = browser();
  const hidden = { isVisible: () => false };
  const tabs = [openTab('a', hidden), openTab('b'), openTab('c', hidden)];
  for (const tab of tabs) tab.claim();
  await pass(ENOUGH_MS);
  expect(told).toEqual(['b k']);
});

test('a tab that gets it much later, or was opened since, does not tell it again', async () => {
  const { told, openTab } = browser();
  const [first, late] = [openTab('first'), openTab('late')];
  first.claim();
  await pass(ENOUGH_MS);
  openTab('new').claim();
  late.claim();
  await pass(ENOUGH_MS);
  expect(told).toEqual(['first k']);
});

test('a tab that gave way tells it when the better one is closed before it does', async () => {
  const { told, openTab } = browser();
  const [better, worse] = [openTab('better'), openTab('worse', { isVisible: () => false })];
  better.claim();
  worse.claim();
  await pass(100);
  better.close();
  await pass(ENOUGH_MS);
  expect(told).toEqual(['worse k']);
});

describe('with locks', () => {
  test('one tells however late the others hear it, unless that is later than a lock is held', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ atMs: fc.nat(400), isVisible: fc.boolean() }), { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat(5_000)),
        async (tabs, latencies) => {
          const { tryLock, told, openTab } = browser(() => latencies.next().value);
          for (const [i, { atMs, isVisible }] of tabs.entries()) {
            const opened = openTab(String(i), { tryLock, isVisible: () => isVisible });
            setTimeout(() => opened.claim(), atMs);
          }
          await pass(ENOUGH_MS);
          expect(told).toHaveLength(1);
        },
      ),
    );
  });

  test('a tab tells it when the one with the lock is closed before it told', async () => {
    const { locked, tryLock, told, openTab } = browser();
    locked.add('toasts k');
    openTab('a', { tryLock }).claim();
    await pass(1_000);
    expect(told).toEqual([]);
    locked.clear();
    await pass(ENOUGH_MS);
    expect(told).toEqual(['a k']);
  });

  test('who hears while waiting for the lock that it is told lets go of it', async () => {
    const { channels, locked, tryLock, told, openTab } = browser();
    const slow = async (name: string) => {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return await tryLock(name);
    };
    openTab('a', { tryLock: slow }).claim();
    await pass(200);
    for (const { onmessage } of channels) onmessage?.({ data: { taken: 'k' } });
    await pass(ENOUGH_MS);
    expect([told, [...locked]]).toEqual([[], []]);
  });

  test('a lock is held for a while after it was told, and not after the tab is closed', async () => {
    const { locked, tryLock, told, openTab } = browser();
    const tab = openTab('a', { tryLock });
    tab.claim();
    await pass(5_000);
    expect([told, [...locked]]).toEqual([['a k'], ['toasts k']]);
    await pass(ENOUGH_MS);
    expect([...locked]).toEqual([]);
    tab.claim('l');
    await pass(1_000);
    expect([...locked]).toEqual(['toasts l']);
    tab.close();
    expect([locked.size, vi.getTimerCount()]).toEqual([0, 0]);
  });
});

test('a tab whose channel brings rubbish tells all the same', async () => {
  const { channels, told, openTab } = browser();
  const tab = openTab('a');
  tab.claim();
  for (const { onmessage } of channels) {
    for (const data of [undefined, null, 'taken', { taken: 1 }, { claim: 'k' }, { claim: {}, rank: '' }])
      onmessage?.({ data });
  }
  await pass(ENOUGH_MS);
  expect(told).toEqual(['a k']);
});

test('close leaves neither timers nor a channel', () => {
  const { channels, openTab } = browser();
  const tab = openTab('a');
  tab.claim();
  tab.claim('l');
  expect([channels.size, vi.getTimerCount()]).toEqual([1, 2]);
  tab.close();
  expect([channels.size, vi.getTimerCount()]).toEqual([0, 0]);
});

describe('whenever the tabs get it, and whichever are visible', () => {
  const tab = fc.record({
    atMs: fc.nat(400),
    isVisible: fc.boolean(),
    closesAfterMs: fc.option(fc.nat(600)),
  });

  test('exactly one tells while they hear each other within half the wait', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tab, { minLength: 1, maxLength: 6 }), fc.nat(70), async (tabs, latencyMs) => {
        const { told, openTab } = browser(() => latencyMs);
        for (const [i, { atMs, isVisible }] of tabs.entries()) {
          const opened = openTab(String(i), { isVisible: () => isVisible });
          setTimeout(() => opened.claim(), atMs);
        }
        await pass(ENOUGH_MS);
        expect(told).toHaveLength(1);
      }),
    );
  });

  test('at least one tells that stays open, however slow they hear each other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(tab, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat(3_000)),
        async (tabs, latencies) => {
          const { told, openTab } = browser(() => latencies.next().value);
          openTab('stays').claim();
          for (const [i, { atMs, isVisible, closesAfterMs }] of tabs.entries()) {
            const opened = openTab(String(i), { isVisible: () => isVisible });
            setTimeout(() => opened.claim(), atMs);
            if (closesAfterMs !== null) setTimeout(() => opened.close(), atMs + closesAfterMs);
          }
          await pass(ENOUGH_MS);
          expect(told.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});
