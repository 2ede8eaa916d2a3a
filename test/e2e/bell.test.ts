/** `<carillon-bell>` in a real browser: what rings, what is shown, what is marked, and what a hostile event can't do. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type BellStage, startBellStage } from '../support/bell-stage.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

let stage: BellStage;

beforeAll(async () => {
  stage = await startBellStage();
});

afterAll(async () => {
  await stage?.stop();
});

test('counts and toasts what comes live, and nothing of other users', async () => {
  const { page, button, badge, toasts, faults } = await stage.open('ada');
  expect(await badge.isVisible()).toBe(false);
  expect(await button.getAttribute('aria-expanded')).toBe(null);
  await button.getByText('Notifications, none new').waitFor();

  await stage.send('grace', 'not-for-ada');
  await stage.send('ada', 'first', { severity: 'success', data: { title: 'Shipped', body: 'By ship' } });
  await toasts.getByText('Shipped').waitFor();
  await stage.send('ada', 'second', { severity: 'critical', data: { title: 'Sunk' } });
  await toasts.getByText('Sunk').waitFor();

  expect(await page.getByRole('status').filter({ hasText: 'Shipped' }).textContent()).toBe(
    'Success: ShippedBy ship',
  );
  expect(await page.getByRole('alert').textContent()).toBe('Critical: Sunk');
  await expect.poll(() => badge.textContent()).toBe('2');
  await page.getByRole('button', { name: 'Notifications, 2 new' }).waitFor();
  expect(await page.evaluate('told.notifications')).toEqual(['first', 'second']);

  await page.getByRole('button', { name: 'Dismiss: Sunk' }).click();
  expect(await toasts.count()).toBe(1);
  expect(await badge.textContent()).toBe('2');
  expect(faults).toEqual([]);
});

test('shows three toasts at most, none when they are off, and none that the app prevents', async () => {
  const [shown, off, prevented] = await Promise.all([
    stage.open('toasty'),
    stage.open('toasty', { toasts: 'off' }),
    stage.open('toasty'),
  ]);
  await prevented.page.evaluate('told.prevents = "notification"');
  const ids = ['one', 'two', 'three', 'four'];
  for (const id of ids) await stage.send('toasty', id);
  await shown.toasts.getByText('four').waitFor();
  expect(await shown.toasts.allTextContents()).toEqual(
    ['two', 'three', 'four'].map((id) => `Information: ${id}`),
  );
  for (const { page, badge, toasts } of [off, prevented]) {
    await expect.poll(() => badge.textContent()).toBe('4');
    await expect.poll(() => page.evaluate('told.notifications')).toEqual(ids);
    expect(await toasts.count()).toBe(0);
  }
  // Without a toast the live region says it.
  expect(await off.page.locator('carillon-bell > .hidden, carillon-bell div.hidden').textContent()).toBe(
    'Information: four',
  );
});

test('what is opened in one tab is seen in the other, and its toasts go', async () => {
  const first = await stage.open('tabs', { patience: '20' });
  const second = await stage.openTab(first.context, 'tabs', { patience: '20' });
  await stage.send('tabs', 'hello');
  await expect.poll(() => first.badge.textContent()).toBe('1');
  await expect.poll(() => second.badge.textContent()).toBe('1');
  const toasts = async () => (await first.toasts.count()) + (await second.toasts.count());
  await expect.poll(toasts).toBe(1);

  await first.button.click();
  await first.titles.getByText('hello').waitFor();
  await first.badge.waitFor({ state: 'hidden' });
  await second.badge.waitFor({ state: 'hidden' });
  await expect.poll(toasts).toBe(0);
  expect(await first.items.first().getAttribute('part')).toBe('item info unread');

  await stage.send('tabs', 'while open');
  await first.titles.getByText('while open').waitFor();
  await second.badge.waitFor({ state: 'hidden' });
});

test('a click reads and opens, the app may open instead, and what is archived leaves', async () => {
  const { page, button, items, titles, panel } = await stage.open('reader');
  await stage.send('reader', 'plain');
  await stage.send('reader', 'path', { data: { title: 'path', url: '/orders/7?a=b' } });
  await stage.send('reader', 'away', { data: { title: 'away', url: 'https://example.com/' } });
  await button.click();
  const parts = async () => await Promise.all((await items.all()).map((item) => item.getAttribute('part')));
  await expect.poll(parts).toEqual(['item info unread', 'item info unread', 'item info unread']);

  await titles.getByText('plain').click();
  await expect.poll(parts).toEqual(['item info unread', 'item info unread', 'item info read']);
  expect(await panel.isVisible()).toBe(true);
  expect(await titles.getByText('away').getAttribute('target')).toBe('_blank');
  expect(await titles.getByText('away').getAttribute('rel')).toBe('noopener noreferrer');

  await page.evaluate('told.prevents = "open"');
  await titles.getByText('path').click();
  await panel.waitFor({ state: 'hidden' });
  expect(await page.evaluate('told.opened')).toEqual([`${stage.app.origin}/orders/7?a=b`]);
  expect(new URL(page.url()).pathname).toBe('/');

  await button.click();
  await page.getByRole('button', { name: 'Archive: plain' }).click();
  await expect.poll(() => items.count()).toBe(2);
  await page.getByRole('button', { name: 'Mark all read' }).click();
  await expect.poll(parts).toEqual(['item info read', 'item info read']);
  await page.getByRole('button', { name: 'Mark all read' }).waitFor({ state: 'hidden' });

  await page.evaluate('told.prevents = ""');
  await titles.getByText('path').click();
  await page.waitForURL('**/orders/7?a=b');
});

test('counts to 99+, and reads what is older on demand', async () => {
  const { page, badge, button, items } = await stage.open('busy', { toasts: 'off' });
  for (let n = 0; n < 120; n += 1) await stage.send('busy', `n${n}`);
  await expect.poll(() => badge.textContent()).toBe('99+');
  await page.getByRole('button', { name: 'Notifications, 99+ new' }).waitFor();

  const later = await stage.open('busy');
  await later.button.click();
  await expect.poll(() => later.items.count()).toBe(50);
  await later.page.getByRole('button', { name: 'Show older' }).click();
  await expect.poll(() => later.items.count()).toBe(100);
  await later.page.getByRole('button', { name: 'Show older' }).click();
  await expect.poll(() => later.items.count()).toBe(120);
  await later.page.getByRole('button', { name: 'Show older' }).waitFor({ state: 'hidden' });
  await badge.waitFor({ state: 'hidden' });
  await button.click();
  await expect.poll(() => items.count()).toBe(120);
});

test('hostile events are text, and lead nowhere but to pages', async () => {
  const { page, button, titles, panel, toasts, faults } = await stage.open('target');
  const title = '<img src=x onerror="window.pwned = 1"><script>window.pwned = 2</script>';
  const urls = [
    'javascript:window.pwned=3',
    ' JaVaScRiPt:window.pwned=4',
    'java\nscript:window.pwned=5',
    '\u0001javascript:window.pwned=6',
    'data:text/html,<script>opener.pwned=7</script>',
    'vbscript:x',
    'blob:https://example.com/1',
    'file:///etc/passwd',
    'https://',
    7,
    { href: 'javascript:window.pwned=8' },
  ];
  for (const [n, url] of urls.entries()) {
    await stage.send('target', `hostile-${n}`, { data: { title, body: title, url } });
  }
  await stage.send('target', 'odd', {
    type: 'odd.title',
    data: { title: { toString: 1 }, body: ['x'], url: null },
  });
  await button.click();
  await titles.getByText('Odd title').waitFor();
  await toasts.first().waitFor({ state: 'hidden' });
  expect(await titles.count()).toBe(urls.length + 1);
  expect(await titles.nth(1).textContent()).toBe(`Information: ${title}, Unread`);
  expect(await panel.locator('a, img, script').count()).toBe(0);
  for (const at of urls.keys()) await titles.nth(at + 1).click();
  expect(await page.evaluate('window.pwned')).toBe(undefined);
  expect(page.context().pages()).toHaveLength(1);
  expect(faults).toEqual([]);
});
