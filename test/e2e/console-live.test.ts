/** The console's live pane in a real browser, embedded and behind an admin token. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';
import { ARTIFACTS, connects, openConnected, openConsole, send, shows } from './console-page.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
});

describe('in embedded mode', () => {
  let carillon: CarillonProcess;

  beforeAll(async () => {
    carillon = await startCarillon({});
  });

  afterAll(async () => {
    await carillon?.stop();
  });

  test('shows the way of each event, and counts', async () => {
    const { page, ada } = await openConnected(browser, carillon.url);
    await page.getByText('Streaming').waitFor();
    await send(page, 'Seen on its way', 'user:ada', 'user:nobody');
    await shows(ada, 'Seen on its way');
    const journey = page.locator('.journey').first();
    await journey.locator('[data-station="delivered"][data-passed="true"]').waitFor();
    // The two have ways of their own: the other one may still be on its.
    await expect
      .poll(() => journey.locator('.leg').allInnerTexts())
      .toEqual([
        expect.stringMatching(/user:\s*ada\s*#1\s*1 socket · (<1|[\d.]+) ms/),
        expect.stringMatching(/user:\s*nobody\s*#1\s*nobody connected/),
      ]);
    await expect.poll(() => page.locator('[data-total="received"]').textContent()).toBe('1');
    await expect.poll(() => page.locator('[data-total="appended"]').textContent()).toBe('2');
    await page
      .locator('[data-outcome="accepted"]')
      .getByText(/In 2 inboxes, on 1 socket after/)
      .waitFor();
    await page.getByRole('img', { name: /^received per second over the last minute, at most 1$/ }).waitFor();
    await page.getByRole('img', { name: /^Latency over the last minute; last p50/ }).waitFor();
    await page.getByText('2 connections').waitFor();
  });

  test('rests while it is paused, and then shows what came', async () => {
    const { page, ada } = await openConnected(browser, carillon.url);
    await page.getByText('Streaming').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await send(page, 'While paused', 'user:ada');
    await shows(ada, 'While paused');
    await page.getByText(/^\d+ steps waiting while paused$/).waitFor();
    expect(await page.locator('.journey').count()).toBe(0);
    await page.getByRole('button', { name: 'Go on' }).click();
    await expect.poll(() => page.locator('.journey').count()).toBe(1);
  });
});

describe('behind an admin token', () => {
  let carillon: CarillonProcess;
  let producer: Producer;

  beforeAll(async () => {
    const [amqpUrl, redisUrl] = await Promise.all([freshVhost(), freshRedis()]);
    producer = new Producer(amqpUrl);
    carillon = await startCarillon({ AMQP_URL: amqpUrl, REDIS_URL: redisUrl, JWT_SECRET, CONSOLE: 'true' });
  });

  afterAll(async () => {
    await producer?.close();
    await carillon?.stop();
  });

  const address = () => `${carillon.opsUrl}/console/`;

  test('refuses what is none with its code, keeps it, and then opens', async () => {
    const { page, ada } = await openConsole(browser, address());
    const token = page.getByRole('textbox', { name: 'Token' });
    await token.fill('not.a.token');
    await page.getByRole('button', { name: 'Come in' }).click();
    await page.getByText(/^unauthorized: /).waitFor();
    expect(await token.inputValue()).toBe('not.a.token');
    await page.screenshot({ path: `${ARTIFACTS}console-gate.png` });

    await token.fill(await tokenFor('operator', { scope: 'events:write' }));
    await page.getByRole('button', { name: 'Come in' }).click();
    await page.getByText(/^forbidden: /).waitFor();

    await token.fill(await tokenFor('operator', { scope: 'admin' }));
    await page.getByRole('button', { name: 'Come in' }).click();
    await token.waitFor({ state: 'detached' });
    await page.getByText('Streaming').waitFor();
    await connects(ada);
    await page.reload();
    await connects(ada);
  });

  test('shows an event over AMQP on its way to a device, and dead letters with their reason', async () => {
    const { page, ada } = await openConsole(browser, address());
    await page.getByRole('textbox', { name: 'Token' }).fill(await tokenFor('operator', { scope: 'admin' }));
    await page.getByRole('button', { name: 'Come in' }).click();
    await connects(ada);
    await page.getByText('Streaming').waitFor();
    const id = `amqp-${Date.now()}`;
    await producer.publish(
      madeEvent(id, { type: 'order.paid', audience: 'user:ada', data: { title: 'Over AMQP' } }),
      madeEvent(`${id}-bad`, { type: 'order.lost', audience: 'a b' }),
    );
    await shows(ada, 'Over AMQP');
    const journey = page.locator('.journey', { hasText: 'order.paid' });
    await journey.getByText(/^1 socket/).waitFor();
    await journey.getByText(id).waitFor();
    const deadLetter = page.locator('.dead-letter', { hasText: 'order.lost' });
    await deadLetter.getByText('invalid_audience').waitFor();
    await deadLetter.getByText('an audience is "global"').waitFor();
    await send(page, 'From the console', 'user:ada');
    await shows(ada, 'From the console');
  });

  test('asks again when the token is not taken any more, and keeps what was typed', async () => {
    const { page, ada } = await openConsole(browser, address());
    await page.getByRole('textbox', { name: 'Token' }).fill(await tokenFor('operator', { scope: 'admin' }));
    await page.getByRole('button', { name: 'Come in' }).click();
    await connects(ada);
    await page.getByRole('textbox', { name: 'Title' }).fill('Still here');
    await page.route('**/console/events', (route) =>
      route.fulfill({
        status: 401,
        json: { code: 'unauthorized', detail: 'It has ended.', title: 'x', status: 401 },
      }),
    );
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByText('unauthorized: It has ended.').waitFor();
    await page.unroute('**/console/events');
    await page.getByRole('button', { name: 'Come in' }).click();
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await shows(ada, 'Still here');
  });
});
