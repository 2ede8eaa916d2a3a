/** What the console says of dead letters is what lies in the queue, also from before it was opened; or that nobody knows. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { deadLetter, deadLetterOf, deadLetters } from '../support/dead-letters.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';
import { openConsole } from './console-page.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

let browser: Browser;
let environment: Record<string, string>;
let carillon: CarillonProcess;

beforeAll(async () => {
  browser = await launchChromium();
  environment = {
    AMQP_URL: await freshVhost(),
    REDIS_URL: await freshRedis(),
    JWT_SECRET,
    CONSOLE: 'true',
  };
  carillon = await startCarillon(environment);
  const eleven = Array.from({ length: 11 }, (_, i) => deadLetterOf(madeEvent(`old-${i}`), 'no_audience'));
  await deadLetter(environment.AMQP_URL ?? '', eleven);
});
afterAll(async () => {
  await browser?.close();
  await carillon?.stop();
});

async function openLive(): Promise<Page> {
  const { page } = await openConsole(browser, `${carillon.opsUrl}/console/`);
  await page.getByRole('textbox', { name: 'Token' }).fill(await tokenFor('operator', { scope: 'admin' }));
  await page.getByRole('button', { name: 'Come in' }).click();
  await page.getByText('Streaming').waitFor();
  return page;
}

const partOf = (page: Page) => page.locator('.live-part', { hasText: 'Dead letters' });

test('eleven from before the page was opened are eleven, after a restart too, and one more is twelve', async () => {
  let page = await openLive();
  await partOf(page).getByText('11 lie there').waitFor();
  await page.close();
  await carillon.stop();
  carillon = await startCarillon(environment);
  page = await openLive();
  expect(await partOf(page).getByText('None.').count()).toBe(0);
  await partOf(page).getByText('11 lie there').waitFor();
  const producer = new Producer(environment.AMQP_URL ?? '');
  await producer.publish(madeEvent('new', { type: 'order.lost', audience: 'user:,' }));
  await producer.close();
  await partOf(page).getByText('order.lost').waitFor();
  await partOf(page).getByText('12 lie there').waitFor();
  await page.close();
});

test('what nobody can tell is said to be not known, and none when there is none', async () => {
  const page = await openLive();
  await page.route('**/console/dead-letters', (route) => route.fulfill({ json: { count: null } }));
  await partOf(page).getByText('is not known now').waitFor();
  await page.unroute('**/console/dead-letters');
  await partOf(page).getByText('12 lie there').waitFor();
  const { answer } = await deadLetters(carillon, '?limit=100');
  const ids = JSON.stringify(answer).matchAll(/"id":"([\w-]{43})"/g);
  await deadLetters(carillon, '/discard', { ids: Array.from(ids, ([, id]) => id) });
  await partOf(page).getByText('None.').waitFor();
  await page.close();
});

test('it asks for the scope admin', async () => {
  const { status } = await fetch(`${carillon.opsUrl}/console/dead-letters`);
  expect(status).toBe(401);
});
