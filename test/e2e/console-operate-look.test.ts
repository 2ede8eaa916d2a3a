/** The console's views for operators, for everybody: both themes, three widths, both directions, screen readers. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { seriousIn } from '../support/axe.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { deadLetter, deadLetterOf } from '../support/dead-letters.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { openView } from './console-operator.ts';
import { ARTIFACTS } from './console-page.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 120_000 });

const PATIENCE_MS = 20_000;
/** As unbroken as strangers can make it. */
const LONG = 'أمر-'.concat('unbroken'.repeat(20));

let browser: Browser;
let carillon: CarillonProcess;
let devices: readonly TestClient[] = [];

beforeAll(async () => {
  const amqpUrl = await freshVhost();
  [browser, carillon] = await Promise.all([
    launchChromium(),
    startCarillon({
      AMQP_URL: amqpUrl,
      REDIS_URL: await freshRedis(),
      JWT_SECRET,
      CONSOLE: 'true',
      PARTITIONS: '2',
      CANARY_SECONDS: '1',
    }),
  ]);
  const lost = ['no_audience', 'expired', 'too_large', 'invalid_audience'];
  await deadLetter(amqpUrl, [
    ...lost.map((code, i) =>
      deadLetterOf(madeEvent(`lost-${i}`, { type: 'order.shipped', audience: 'user:42' }), code),
    ),
    deadLetterOf(
      madeEvent(LONG, { type: LONG.slice(0, 100), audience: 'user:42' }),
      'no_audience',
      '2026-11-20T09:00:09.000Z',
    ),
  ]);
  devices = await Promise.all(
    ['Laptop', 'Phone'].map(async (device) =>
      connectClient(carillon.url, await tokenFor('42', { departments: ['sales'] }), { auth: { device } }),
    ),
  );
  for (const device of devices) await device.session();
  devices[1]?.close();
  const producer = new Producer(amqpUrl);
  await producer.publish(
    madeEvent('seen-1', { audience: 'user:42', data: { title: 'Your order is on its way' } }),
  );
  await producer.close();
  await devices[0]?.received(1);
});
afterAll(async () => {
  for (const device of devices) device.close();
  await browser?.close();
  await carillon?.stop();
});

/** Each view, with what is there when it has been read. */
const VIEWS: readonly {
  readonly name: string;
  readonly view: string;
  readonly isRead: (page: Page) => Promise<void>;
}[] = [
  {
    name: 'dead-letters',
    view: 'dead-letters',
    isRead: (page) => page.getByText('5 match', { exact: true }).waitFor(),
  },
  {
    name: 'explain',
    view: 'explain?event=seen-1&user=42',
    isRead: (page) => page.getByText('A device of the user has it.').waitFor(),
  },
  {
    name: 'users',
    view: 'users?user=42&audience=department:sales',
    isRead: async (page) => {
      // A node tells of its rooms every few seconds.
      await until('all of it', PATIENCE_MS, async () => {
        for (const again of await page.getByRole('button', { name: 'Read again' }).all()) await again.click();
        return (
          (await page.getByRole('rowheader').count()) > 0 && (await page.locator('.session').count()) === 2
        );
      });
    },
  },
  {
    name: 'queues',
    view: 'queues',
    isRead: (page) => page.getByRole('rowheader', { name: /^carillon\.deliver\.1/ }).waitFor(),
  },
];

const WIDTHS = { wide: 1440, small: 1024, phone: 390 };

interface Look {
  readonly colorScheme: 'light' | 'dark';
  readonly width: keyof typeof WIDTHS;
  readonly direction: 'ltr' | 'rtl';
}

test.each<Look>([
  { colorScheme: 'light', width: 'wide', direction: 'ltr' },
  { colorScheme: 'dark', width: 'small', direction: 'ltr' },
  { colorScheme: 'light', width: 'phone', direction: 'ltr' },
  { colorScheme: 'light', width: 'small', direction: 'rtl' },
  { colorScheme: 'dark', width: 'phone', direction: 'rtl' },
])('in $colorScheme, $width, $direction: all fits, and axe finds nothing serious', async (look) => {
  const { colorScheme, width, direction } = look;
  const options: BrowserContextOptions = { colorScheme, viewport: { width: WIDTHS[width], height: 844 } };
  const { page, faults } = await openView(browser, carillon, { view: 'dead-letters', options });
  await page.evaluate(`document.documentElement.dir = '${direction}'`);
  const fits = async (name: string) => {
    await page.screenshot({ path: `${ARTIFACTS}operate-${name}-${colorScheme}-${width}-${direction}.png` });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(WIDTHS[width]);
    expect(await seriousIn(page)).toEqual([]);
  };
  for (const { name, view, isRead } of VIEWS) {
    await page.evaluate(`location.hash = '${view}'`);
    await isRead(page);
    await fits(name);
  }
  await page.evaluate(`location.hash = 'dead-letters'`);
  await page.getByRole('checkbox', { name: 'All shown' }).check();
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.locator('.report').waitFor();
  await fits('report');
  await page.getByRole('button', { name: 'Discard …' }).click();
  await page.getByRole('dialog').waitFor();
  await fits('question');
  await page.keyboard.press('Escape');
  await page.locator('.letter-row', { hasText: LONG }).getByRole('link').click();
  await page.getByRole('textbox', { name: 'Body' }).waitFor();
  await fits('letter');
  expect(faults).toEqual([]);
});

test('by keyboard alone: to the view, to a dead letter, and back from the question to the button', async () => {
  const { page } = await openView(browser, carillon, { view: 'queues' });
  await page.getByRole('rowheader', { name: /^carillon\.deliver\.1/ }).waitFor();
  const focused = () => page.evaluate('document.activeElement.textContent');
  const tabTo = async (name: string) => {
    await until(name, PATIENCE_MS, async () => {
      await page.keyboard.press('Tab');
      return (await focused()) === name;
    });
    const outline = 'getComputedStyle(document.activeElement).outlineStyle';
    expect(await page.evaluate(outline)).toBe('solid');
  };
  await page.getByRole('link', { name: 'Operate' }).focus();
  await tabTo('Users');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Users', exact: true }).waitFor();
  await page.evaluate(`location.hash = 'dead-letters'`);
  await page.getByText('5 match', { exact: true }).waitFor();
  await tabTo('order.shipped');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Body' }).waitFor();
  expect(await page.evaluate('document.activeElement.id')).toBe('title-letter');
  await page.getByRole('checkbox', { name: 'All shown' }).check();
  await tabTo('Discard …');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  expect(await focused()).toBe('Keep them');
  await page.keyboard.press('Escape');
  await expect.poll(focused).toBe('Discard …');
});
