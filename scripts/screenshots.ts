/**
 * `npm run screenshots` takes the pictures of the console in docs/images, from the built program in embedded mode with
 * some traffic. It needs a Chromium. The pictures show the fonts of the machine that it runs on.
 */
import { mkdir } from 'node:fs/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { startCarillon } from '../test/support/carillon.ts';
import { launchOwnChromium } from '../test/support/chromium.ts';

const FOLDER = new URL('../docs/images/', import.meta.url).pathname;

const WIDE = { viewport: { width: 1440, height: 900 } };
const PHONE = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true };

interface Picture {
  readonly name: string;
  readonly options: BrowserContextOptions;
  readonly pane?: RegExp;
}

const PICTURES: readonly Picture[] = [
  { name: 'console-light', options: { ...WIDE, colorScheme: 'light' } },
  { name: 'console-dark', options: { ...WIDE, colorScheme: 'dark' } },
  { name: 'console-phone', options: { ...PHONE, colorScheme: 'light' }, pane: /Devices/ },
];

async function send(page: Page, template: string): Promise<void> {
  await page.getByRole('button', { name: template, exact: true }).click();
  const id = await page.locator('#send-id').inputValue();
  // Waits until the preview knows who gets the event, and then until they have it.
  await page
    .locator('.preview')
    .getByText(/rings|no device/)
    .waitFor();
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page
    .locator('[data-outcome="accepted"]', { hasText: id })
    .getByText(/socket|inbox/)
    .waitFor();
}

/** Makes some traffic, has one device leave and recover, and sends an alert that rings. */
async function play(page: Page, pane: RegExp | undefined): Promise<void> {
  const grace = page.getByRole('article', { name: 'grace, Phone', includeHidden: true });
  const show = async (name: RegExp) => {
    if (pane !== undefined) await page.getByRole('tab', { name }).click();
  };
  await grace.getByText('listening').waitFor({ state: 'attached' });
  await page.getByText('Streaming').waitFor({ state: 'attached' });
  await page.getByRole('combobox', { name: 'How often' }).selectOption('10 times');
  await page.getByRole('button', { name: 'Price tick', exact: true }).click();
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('10 accepted').waitFor();
  await page.getByRole('combobox', { name: 'How often' }).selectOption('once');
  await send(page, 'Order shipped');
  await show(/Devices/);
  await grace.getByRole('switch').check();
  await show(/Send/);
  await send(page, 'Rota published');
  await send(page, 'Announcement');
  await send(page, 'Price tick');
  await send(page, 'Critical alert');
  await show(/Devices/);
  await grace.getByRole('switch').uncheck();
  await grace.getByText('3 missed, all recovered').waitFor();
  await page.locator('.toast').last().waitFor({ state: 'detached' });
  await show(/Send/);
  await send(page, 'Order shipped');
  if (pane !== undefined) await show(pane);
}

async function take(browser: Browser, { name, options, pane }: Picture): Promise<void> {
  const carillon = await startCarillon({});
  const context = await browser.newContext({ deviceScaleFactor: 1.5, ...options });
  try {
    const page = await context.newPage();
    await page.goto(carillon.url);
    await play(page, pane);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: `${FOLDER}${name}.png`, animations: 'disabled' });
    process.stdout.write(`docs/images/${name}.png\n`);
  } finally {
    await context.close();
    await carillon.stop();
  }
}

await mkdir(FOLDER, { recursive: true });
const browser = await launchOwnChromium();
try {
  for (const picture of PICTURES) await take(browser, picture);
} finally {
  await browser.close();
}
