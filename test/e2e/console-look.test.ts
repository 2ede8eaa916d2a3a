/** The console for everybody: both themes, a phone's width, less motion, screen readers. Screenshots in test/artifacts. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { seriousIn } from '../support/axe.ts';
import { type CarillonProcess, startCarillon } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { ARTIFACTS, connects, deviceOf, openConnected, openConsole, send, shows } from './console-page.ts';

const PHONE = { viewport: { width: 360, height: 740 } };

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

let browser: Browser;
let carillon: CarillonProcess;

beforeAll(async () => {
  [browser, carillon] = await Promise.all([launchChromium(), startCarillon({})]);
});

afterAll(async () => {
  await browser?.close();
  await carillon?.stop();
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test('axe finds nothing serious, with everything open', async () => {
    const { page, ada, faults } = await openConnected(browser, carillon.url, {
      colorScheme,
      reducedMotion: 'reduce',
    });
    for (const severity of ['info', 'success', 'warning', 'critical']) {
      await page.getByRole('radio', { name: severity }).check();
      await send(page, `It is ${severity}`, 'global');
    }
    await shows(ada, 'It is critical');
    await page.locator('.journey').first().getByText('delivered').waitFor();
    await ada.getByRole('button', { name: 'Mark “It is info” as read' }).first().click();
    await page.screenshot({ path: `${ARTIFACTS}console-${colorScheme}.png` });
    expect(await seriousIn(page)).toEqual([]);

    await page.getByText('More: type, source').click();
    await page.getByRole('textbox', { name: 'Expires' }).fill('soon');
    await page.getByText('must be an RFC 3339 timestamp').waitFor();
    await ada.getByRole('button', { name: 'Edit ada, Laptop' }).click();
    await page.getByRole('button', { name: 'Add a device' }).click();
    await deviceOf(page, 'grace, Phone').getByRole('switch').check();
    expect(await seriousIn(page)).toEqual([]);

    await page.getByRole('radio', { name: 'CloudEvent' }).check();
    await page.getByRole('textbox', { name: 'CloudEvent, as JSON' }).fill('{\n  nothing\n}');
    await page.getByText(/^Line 2/).waitFor();
    await page.screenshot({ path: `${ARTIFACTS}console-${colorScheme}-faults.png` });
    expect(await seriousIn(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});

test('the theme is the system’s until one is chosen, and the choice stays', async () => {
  const { page } = await openConsole(browser, carillon.url, { colorScheme: 'light' });
  const theme = () => page.locator('html').getAttribute('data-theme');
  await expect.poll(theme).toBe('light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(theme).toBe('dark');
  await page.getByRole('button', { name: 'Use the light theme' }).click();
  await expect.poll(theme).toBe('light');
  await page.reload();
  await page.getByRole('button', { name: 'Use the dark theme' }).waitFor();
  expect(await theme()).toBe('light');
});

describe('at a phone’s width', () => {
  test('the panes are tabs, all of them fit, and axe finds nothing serious', async () => {
    const { page, ada } = await openConsole(browser, carillon.url, { ...PHONE, reducedMotion: 'reduce' });
    await connects(ada);
    const width = () => page.evaluate('document.documentElement.scrollWidth');
    await send(page, 'a-word-without-any-place-to-break-it'.repeat(4), 'global');
    expect(await width()).toBe(360);
    await page.screenshot({ path: `${ARTIFACTS}console-phone-send.png` });
    expect(await seriousIn(page)).toEqual([]);

    await page.getByRole('tab', { name: 'Send' }).focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.getByRole('tab', { name: /Devices/ }).getAttribute('aria-selected')).toBe('true');
    await ada.locator('.notification').first().waitFor();
    expect(await width()).toBe(360);
    await page.screenshot({ path: `${ARTIFACTS}console-phone-devices.png` });
    expect(await seriousIn(page)).toEqual([]);

    await page.keyboard.press('ArrowRight');
    await page.getByRole('tabpanel', { name: 'Live' }).locator('.journey').first().waitFor();
    expect(await width()).toBe(360);
    await page.screenshot({ path: `${ARTIFACTS}console-phone-live.png` });
    expect(await seriousIn(page)).toEqual([]);
  });
});

test.each([
  { reducedMotion: 'no-preference', animated: 'rotate' },
  { reducedMotion: 'reduce', animated: 'color' },
] as const)(
  'with motion: $reducedMotion a bell that rings changes its $animated',
  async ({ reducedMotion, animated }) => {
    const { page } = await openConnected(browser, carillon.url, { reducedMotion });
    // The last word keeps this from awaiting it.
    await page.evaluate(`window.animated = new Promise((resolve) => {
    document.addEventListener('animationstart', ({ target }) => {
      if (target.matches('.bell-body')) resolve(target.getAnimations()[0].effect.getKeyframes().flatMap(Object.keys));
    });
  }); undefined`);
    await send(page, 'Ring', 'user:ada');
    const properties = await page.evaluate('window.animated');
    expect(properties).toContain(animated);
    expect(properties).not.toContain(animated === 'rotate' ? 'color' : 'rotate');
  },
);
