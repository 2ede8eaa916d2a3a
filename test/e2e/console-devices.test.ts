/** The console's devices in a real browser: away and back, other devices and tabs, marks, and a service that stops. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type CarillonProcess, startCarillon } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import {
  connects,
  deviceOf,
  hasUnseen,
  openConnected,
  openTab,
  rowOf,
  send,
  shows,
  titles,
} from './console-page.ts';

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

describe('the offline switch', () => {
  test('what was sent meanwhile is recovered, shown, and highlighted; topics too', async () => {
    const { page, grace } = await openConnected(browser, carillon.url);
    await grace.getByText('listening').waitFor();
    const offline = grace.getByRole('switch', { name: 'Offline' });
    await offline.check();
    await grace.locator('[data-state="off"]').getByText('Offline', { exact: true }).waitFor();
    await send(page, 'First', 'user:grace');
    await send(page, 'Second', 'department:engineering');
    await send(page, 'Third', 'topic:ticker.btc-usd');
    expect(await titles(grace)).toEqual([]);
    await offline.uncheck();
    // The highlight is for a moment: it is looked for from the beginning.
    await Promise.all([
      expect.poll(() => grace.locator('.notification[data-missed="true"]').count()).toBe(2),
      grace.getByRole('status').getByText('3 missed, all recovered').waitFor(),
    ]);
    await expect.poll(() => titles(grace)).toEqual(['Second', 'First']);
    await grace.locator('.topic-heard').getByText('Third').waitFor();
    expect(await grace.locator('.toast').count()).toBe(0);
    await grace.locator('.notification[data-missed="true"]').first().waitFor({ state: 'detached' });
  });

  test('when nothing was missed it says so', async () => {
    const { ada } = await openConnected(browser, carillon.url);
    const offline = ada.getByRole('switch', { name: 'Offline' });
    await offline.check();
    await offline.uncheck();
    await ada.getByText('Nothing was missed').waitFor();
    await connects(ada);
  });
});

describe('marks', () => {
  test("show on the user's other device, in this tab and in another", async () => {
    const first = await openConnected(browser, carillon.url);
    const { page, ada } = first;
    await page.getByRole('button', { name: 'Add a device' }).click();
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    const tablet = deviceOf(page, 'ada, Tablet');
    await connects(tablet);
    const second = await openTab(first);
    await connects(second.ada);
    await ada.getByRole('button', { name: /unseen\. Mark all as seen/ }).click();
    await hasUnseen(second.ada, 0);
    const others = [tablet, second.ada];

    await send(page, 'To read', 'user:ada');
    await send(page, 'To archive', 'user:ada');
    for (const device of [ada, ...others]) await shows(device, 'To archive');
    for (const device of others) await hasUnseen(device, 2);
    await ada.getByRole('button', { name: /unseen\. Mark all as seen/ }).click();
    for (const device of [ada, ...others]) await hasUnseen(device, 0);

    await ada.getByRole('button', { name: 'Mark “To read” as read' }).click();
    for (const device of others)
      await rowOf(device, 'To read').and(device.locator('[data-read="true"]')).waitFor();
    await tablet.getByRole('button', { name: 'Mark “To read” as unread' }).click();
    await rowOf(ada, 'To read').and(ada.locator('[data-read="false"]')).waitFor();

    await second.ada.getByRole('button', { name: 'Archive “To archive”' }).click();
    for (const device of [ada, tablet]) await rowOf(device, 'To archive').waitFor({ state: 'detached' });
    await tablet.getByRole('button', { name: 'All read' }).click();
    for (const device of [ada, second.ada]) await device.getByText('all read', { exact: true }).waitFor();
  });

  test('the inbox loads more, page by page', async () => {
    const { page, ada } = await openConnected(browser, carillon.url);
    await ada.getByRole('button', { name: 'Edit ada, Laptop' }).click();
    await ada.getByRole('textbox', { name: 'User' }).fill('reader');
    await ada.getByRole('button', { name: 'Connect as' }).click();
    const reader = deviceOf(page, 'reader, Laptop');
    await connects(reader);
    const events = Array.from({ length: 60 }, (_, i) => ({
      specversion: '1.0',
      id: `page-${i}`,
      source: '/test',
      type: 'test.page',
      audience: 'user:reader',
      data: { title: `Number ${i}` },
    }));
    for (const event of events) {
      const response = await fetch(`${carillon.url}/console/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json' },
        body: JSON.stringify(event),
      });
      expect(response.status).toBe(202);
    }
    await shows(reader, 'Number 59');
    await page.reload();
    await connects(reader);
    await expect.poll(() => reader.locator('.notification').count()).toBe(50);
    await reader.getByRole('button', { name: 'Load more' }).click();
    await expect.poll(() => reader.locator('.notification').count()).toBe(60);
  });
});

describe('a device', () => {
  test('becomes another user with other departments, and shows nothing of the last one', async () => {
    const { page, ada } = await openConnected(browser, carillon.url);
    await send(page, 'For ada alone', 'user:ada');
    await shows(ada, 'For ada alone');
    await ada.getByRole('button', { name: 'Edit ada, Laptop' }).click();
    await ada.getByRole('textbox', { name: 'User' }).fill('li{nus');
    await ada.getByRole('button', { name: 'Connect as' }).click();
    await ada.getByText('A user is 1 to 128').waitFor();
    await ada.getByRole('textbox', { name: 'User' }).fill('linus');
    await ada.getByRole('textbox', { name: 'Departments' }).fill('sales, kernel');
    await ada.getByRole('button', { name: 'Connect as' }).click();
    const linus = deviceOf(page, 'linus, Laptop');
    await connects(linus);
    expect(await titles(linus)).not.toContain('For ada alone');
    await send(page, 'Release', 'department:kernel');
    await shows(linus, 'Release');
  });

  test('is added and removed, and stays over a reload', async () => {
    const { page } = await openConnected(browser, carillon.url);
    await page.getByRole('button', { name: 'Add a device' }).click();
    await page.getByRole('textbox', { name: 'User', exact: true }).fill('margaret');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    const margaret = deviceOf(page, 'margaret, Tablet');
    await connects(margaret);
    await page.reload();
    await connects(margaret);
    await margaret.getByRole('button', { name: 'Edit margaret, Tablet' }).click();
    await margaret.getByRole('button', { name: 'Remove this device' }).click();
    await margaret.waitFor({ state: 'detached' });
    expect(await page.getByRole('article').count()).toBe(2);
  });

  test('says why it has no token', async () => {
    const { page, ada } = await openConnected(browser, carillon.url);
    await page.route('**/console/tokens', (route) =>
      route.fulfill({
        status: 503,
        json: { code: 'internal', detail: 'No tokens today.', title: 'x', status: 503 },
      }),
    );
    await ada.getByRole('switch').check();
    await ada.getByRole('switch').uncheck();
    await ada.getByText('internal: No tokens today.').waitFor();
    await ada.getByText(/^No token, next try in \d+ s$/).waitFor();
    await page.unroute('**/console/tokens');
    await connects(ada);
    await ada.getByText('No tokens today.').waitFor({ state: 'detached' });
  });
});

test('when the service stops it is said, with when it is tried again, and all comes back by itself', {
  timeout: 150_000,
}, async () => {
  const first = await startCarillon({ DRAIN_SECONDS: '1' });
  onTestFinished(async () => void (await first.stop()));
  const { page, ada } = await openConnected(browser, first.url);
  await page.getByText('Streaming').waitFor();
  await page.getByRole('textbox', { name: 'Title' }).fill('Kept over the restart');
  await first.stop();
  // Whoever is away waits most of the time, and each time longer.
  await ada.getByText(/^No connection, next try in \d+ s$/).waitFor();
  await page
    .locator('[data-stream="waiting"]')
    .getByText(/^No connection, next try in \d+ s$/)
    .waitFor();
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.locator('[data-outcome="refused"]').getByText('The service cannot be reached').waitFor();
  expect(await page.getByRole('textbox', { name: 'Title' }).inputValue()).toBe('Kept over the restart');

  const second = await startCarillon({ PORT: new URL(first.url).port });
  onTestFinished(async () => void (await second.stop()));
  await connects(ada);
  await page.getByText('Streaming').waitFor();
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await shows(ada, 'Kept over the restart');
});
