/** The bell for everybody: by keyboard, for screen readers, in other languages, light and dark, on a phone. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { seriousIn } from '../support/axe.ts';
import { type BellStage, startBellStage } from '../support/bell-stage.ts';

const screenshot = (name: string) => new URL(`../artifacts/bell-${name}.png`, import.meta.url).pathname;

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

let stage: BellStage;

beforeAll(async () => {
  stage = await startBellStage();
});

afterAll(async () => {
  await stage?.stop();
});

const EVENTS = [
  ['success', 'Order 1024 has shipped', 'It arrives on Thursday between 9 and 12', '/orders/1024'],
  [
    'info',
    'Maintenance tonight at ten',
    'For fifteen minutes; the inbox keeps what comes meanwhile',
    undefined,
  ],
  ['warning', 'The queue is growing', '42 tickets wait for more than an hour', undefined],
  [
    'critical',
    'A payment was refused',
    'The bank says: insufficient funds',
    'https://example.com/payments/9',
  ],
] as const;

async function sendAll(user: string): Promise<void> {
  for (const [severity, title, body, url] of EVENTS) {
    await stage.send(user, title.replaceAll(' ', '-'), { severity, data: { title, body, url } });
  }
}

const FOCUSED = 'bell.shadowRoot.activeElement?.textContent || bell.shadowRoot.activeElement?.ariaLabel';

describe.for(['light', 'dark'] as const)('%s', (colorScheme) => {
  test('axe finds nothing serious in toasts, list and empty list', async () => {
    const user = `looker-${colorScheme}`;
    const options = { colorScheme, viewport: { width: 900, height: 640 }, deviceScaleFactor: 2 };
    const { page, button, titles, toasts, panel } = await stage.open(user, {}, options);
    await page.evaluate(`Object.assign(document.documentElement.style, {
      colorScheme: 'light dark', font: '16px system-ui', background: 'light-dark(#f7f5f1, #141311)',
    })`);
    await button.click();
    await panel.getByText('Nothing here yet').waitFor();
    expect(await seriousIn(page)).toEqual([]);
    await page.screenshot({ path: screenshot(`empty-${colorScheme}`) });
    await page.keyboard.press('Escape');

    await sendAll(user);
    await toasts.getByText('A payment was refused').waitFor();
    expect(await seriousIn(page)).toEqual([]);
    await page.screenshot({ path: screenshot(`toasts-${colorScheme}`) });

    await button.click();
    await titles.getByText('Maintenance').click();
    await page.locator('.item.read').waitFor();
    expect(await seriousIn(page)).toEqual([]);
    await page.screenshot({ path: screenshot(`list-${colorScheme}`) });
  });

  test('fits a phone', async () => {
    const user = `phone-${colorScheme}`;
    const options = { colorScheme, viewport: { width: 360, height: 640 }, deviceScaleFactor: 2 };
    const { page, button, panel, toasts } = await stage.open(user, {}, options);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.evaluate('document.documentElement.style.colorScheme = "light dark"');
    await sendAll(user);
    await stage.send(user, 'long', { data: { title: 'a-word-without-any-place-to-break-it'.repeat(4) } });
    await toasts.getByText('a-word').waitFor();
    await page.screenshot({ path: screenshot(`phone-toasts-${colorScheme}`) });
    await button.click();
    await panel.getByText('a-word').waitFor();
    for (const box of [await panel.boundingBox(), await panel.locator('.item').first().boundingBox()]) {
      expect(box?.x).toBeGreaterThanOrEqual(8);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(352);
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await page.screenshot({ path: screenshot(`phone-list-${colorScheme}`) });
  });
});

test('works by keyboard alone', async () => {
  const { page, panel, items, button } = await stage.open('typist', { toasts: 'off' });
  await sendAll('typist');
  await button.getByText('Notifications, 4 new').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Notifications' }).waitFor();
  expect(await button.getAttribute('aria-expanded')).toBe('true');
  await items.nth(3).waitFor();

  await page.keyboard.press('ArrowDown');
  expect(await page.evaluate(FOCUSED)).toContain('A payment was refused');
  await page.keyboard.press('ArrowDown');
  expect(await page.evaluate(FOCUSED)).toContain('The queue is growing');
  await page.keyboard.press('End');
  expect(await page.evaluate(FOCUSED)).toContain('Order 1024');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect.poll(() => items.nth(1).getAttribute('part')).toBe('item warning read');

  await page.keyboard.press('Tab');
  expect(await page.evaluate(FOCUSED)).toBe('Archive: The queue is growing');
  await page.keyboard.press('Enter');
  await expect.poll(() => items.count()).toBe(3);
  expect(await page.evaluate(FOCUSED)).toContain('Maintenance');

  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'hidden' });
  expect(await page.evaluate('bell.shadowRoot.activeElement?.matches(".button")')).toBe(true);
  // The attribute follows the panel in a task of its own.
  await expect.poll(() => page.evaluate('bell.open')).toBe(false);
});

test('a click elsewhere closes it', async () => {
  const { page, panel, button } = await stage.open('clicker');
  await button.click();
  await panel.waitFor();
  await page.locator('#elsewhere').click();
  await panel.waitFor({ state: 'hidden' });
  await button.click();
  await panel.waitFor();
  await button.click();
  await panel.waitFor({ state: 'hidden' });
});

test('a toast stays as long as somebody points at it', async () => {
  const { page, toasts } = await stage.open('pointer');
  // From now on time passes when it is told to, however long a step takes.
  const nowMs = Date.now();
  await page.clock.install({ time: nowMs });
  await page.clock.pauseAt(nowMs + 60_000);
  await stage.send('pointer', 'held');
  await page.clock.runFor(1_000);
  await expect
    .poll(async () => {
      await page.clock.runFor(200);
      return await toasts.count();
    })
    .toBe(1);
  await toasts.hover();
  await page.clock.runFor(60_000);
  expect(await toasts.count()).toBe(1);
  await page.mouse.move(0, 0);
  await expect
    .poll(() => page.evaluate('bell.shadowRoot.querySelector(".toasts").matches(":hover")'))
    .toBe(false);
  await page.clock.runFor(60_000);
  expect(await toasts.count()).toBe(0);
});

test('speaks Chinese, and what the page adds, as the page around it does', async () => {
  const { page, button, panel, titles } = await stage.open('speaker', { toasts: 'off' });
  await stage.send('speaker', '你好', {
    severity: 'warning',
    time: new Date(Date.now() - 7_300_000).toISOString(),
  });
  await page.evaluate('document.documentElement.lang = "zh-CN"');
  await page.getByRole('button', { name: '通知，1 条新通知' }).waitFor();
  await button.click();
  await titles.getByText('警告: 你好').waitFor();
  await page.getByRole('button', { name: '全部标为已读' }).waitFor();
  expect(await panel.locator('time').textContent()).toBe('2小时前');
  await page.screenshot({ path: screenshot('chinese') });

  await page.evaluate(`(() => {
    const { languages } = customElements.get('carillon-bell');
    languages.set('fr', { ...languages.get('en'), notifications: 'Avis' });
    bell.lang = 'fr';
  })()`);
  await panel.getByText('Avis').waitFor();
  expect(await panel.locator('time').textContent()).toBe('il y a 2 heures');
  for (const unknown of ['tlh', 'no language at all', '']) {
    await page.evaluate(`bell.lang = ${JSON.stringify(unknown)}`);
    await expect.poll(() => panel.locator('time').textContent()).toBe('2 hours ago');
  }
});
