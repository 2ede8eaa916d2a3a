/** The ticker's story: whoever opens the page sees the last quotes at once and every one after them, in order. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../examples/ticker/story.ts';
import { type StoryStage, screenshotPath, stageStory, storyModes } from '../support/story.ts';

/** Two quotes come in a second at most: a busy machine may take several times as long. */
const IN_TIME = { timeout: 60_000 };

describe.for(storyModes)('the ticker, %s', { timeout: 150_000 }, (mode) => {
  let stage: StoryStage;

  beforeAll(async () => {
    stage = await stageStory(run, mode);
  });
  afterAll(async () => {
    await stage?.stop();
  });

  const symbols = ['btc-usd', 'eth-usd'] as const;

  /** With what the page says of a symbol. */
  async function openTicker(options = {}) {
    const { page, faults, hostnames } = await stage.open('', options);
    const card = (symbol: string) => page.locator(`[data-symbol="${symbol}"]`);
    return {
      page,
      faults,
      hostnames,
      offsets: async (symbol: string) =>
        ((await card(symbol).getAttribute('data-offsets')) ?? '').split(',').filter(Boolean).map(Number),
      text: async (symbol: string, what: string) => (await card(symbol).locator(what).textContent()) ?? '',
    };
  }

  const consecutive = (offsets: readonly number[]) => offsets.map((_, i) => (offsets[0] ?? Number.NaN) + i);

  test('draws each quote, in order and without gaps, and says how long they took', async () => {
    const { offsets, text, faults, hostnames } = await openTicker();
    for (const symbol of symbols) {
      await expect.poll(async () => (await offsets(symbol)).length, IN_TIME).toBeGreaterThan(8);
      const drawn = await offsets(symbol);
      expect(drawn).toEqual(consecutive(drawn));
      expect(await text(symbol, '[data-price]')).toMatch(/^\d{1,3}(,\d{3})*\.\d\d$/);
      expect(await text(symbol, '[data-change]')).toMatch(/^[+−]\d+\.\d\d \([+−]\d+\.\d\d %\)$/);
      expect(await text(symbol, '[data-count]')).toContain('none missing');
      await expect.poll(() => text(symbol, '[data-latency]'), IN_TIME).toMatch(/^\d+$/);
      await expect.poll(() => text(symbol, '[data-median]'), IN_TIME).toMatch(/^\d+$/);
    }
    expect([...hostnames]).toEqual(['127.0.0.1']);
    expect(faults).toEqual([]);
  });

  test('who comes later begins with the last quotes', async () => {
    const first = await openTicker();
    await expect.poll(async () => (await first.offsets('btc-usd')).length, IN_TIME).toBeGreaterThan(20);
    const before = await first.offsets('btc-usd');

    const later = await openTicker();
    await expect.poll(async () => (await later.offsets('btc-usd')).length, IN_TIME).toBeGreaterThan(0);
    const shown = await later.offsets('btc-usd');
    // Published while nobody there was subscribed to it: it comes from the log.
    expect(shown.slice(0, 20)).toEqual(consecutive(shown).slice(0, 20));
    expect(shown[0]).toBeLessThan(before.at(-1) ?? 0);
    expect(later.faults).toEqual([]);
  });

  test('goes on without a gap after the connection was away', async () => {
    const { page, offsets, text } = await openTicker();
    await expect.poll(async () => (await offsets('btc-usd')).length, IN_TIME).toBeGreaterThan(3);
    await page.context().setOffline(true);
    await page.locator('[data-state="waiting"]').waitFor();
    const before = (await offsets('btc-usd')).at(-1) ?? 0;
    await page.context().setOffline(false);
    await page.locator('[data-state="connected"]').waitFor();
    await expect.poll(async () => (await offsets('btc-usd')).at(-1), IN_TIME).toBeGreaterThan(before + 1);
    const drawn = await offsets('btc-usd');
    expect(drawn).toEqual(consecutive(drawn));
    expect(await text('btc-usd', '[data-count]')).toContain('none missing');
  });

  test('fits into 360 pixels, and is there in the dark', async () => {
    const { page, offsets } = await openTicker({
      viewport: { width: 360, height: 740 },
      colorScheme: 'dark',
    });
    await expect.poll(async () => (await offsets('eth-usd')).length, IN_TIME).toBeGreaterThan(30);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await page.screenshot({ path: screenshotPath('ticker-phone'), fullPage: true });
    await page.setViewportSize({ width: 800, height: 600 });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.screenshot({ path: screenshotPath('ticker'), fullPage: true });
  });
});
