/** The console in a browser, as its tests drive it: by what people and screen readers find in it. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { type PageWatch, watchPage } from '../support/page-watch.ts';

export const ARTIFACTS = new URL('../artifacts/', import.meta.url).pathname;

/** Chromium itself writes this for every answer that says what is wrong with an event. */
const ANSWER = /status of 4\d\d/;

/** Less than a test may take, so that it is said what was waited for. */
const WAIT_MS = 40_000;

interface ConsolePage extends Pick<PageWatch, 'hosts' | 'faults'> {
  readonly page: Page;
  readonly ada: Locator;
  readonly grace: Locator;
}

export async function openConsole(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<ConsolePage> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  onTestFinished(() => context.close());
  return await watched(await context.newPage(), url);
}

/** The console in another tab of the same browser. */
export async function openTab({ page }: ConsolePage): Promise<ConsolePage> {
  return await watched(await page.context().newPage(), page.url());
}

/** With both devices connected. */
export async function openConnected(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<ConsolePage> {
  const opened = await openConsole(browser, url, options);
  await Promise.all([opened.ada, opened.grace].map(connects));
  return opened;
}

async function watched(page: Page, url: string): Promise<ConsolePage> {
  page.setDefaultTimeout(WAIT_MS);
  const { hosts, faults } = watchPage(page, ANSWER);
  await page.goto(url);
  return { page, ada: deviceOf(page, 'ada, Laptop'), grace: deviceOf(page, 'grace, Phone'), hosts, faults };
}

export function deviceOf(page: Page, name: string): Locator {
  return page.getByRole('article', { name, exact: true, includeHidden: true });
}

export function connects(device: Locator): Promise<void> {
  return device.locator('[data-state="connected"]').waitFor({ state: 'attached' });
}

/** Chooses just these: `user:ada`, `topic:x`, `global`. */
export async function address(page: Page, ...audiences: readonly string[]): Promise<void> {
  const chosen = page.getByRole('button', { name: /^Remove .*:|^Remove global/ });
  while ((await chosen.count()) > 0) await chosen.first().click();
  for (const audience of audiences) {
    const [kind = '', ...id] = audience.split(':');
    if (audience === 'global') {
      await page.getByRole('button', { name: 'Everybody', exact: true }).click();
      continue;
    }
    await page.getByRole('radio', { name: new RegExp(`^${kind}$`, 'i') }).check();
    const line = page.getByRole('textbox', { name: `Id of the ${kind}` });
    await line.fill(id.join(':'));
    await line.press('Enter');
  }
}

export function sendButton(page: Page): Locator {
  return page.getByRole('button', { name: 'Send', exact: true });
}

/** Resolves when the service has accepted it. */
export async function send(page: Page, title: string, ...audiences: readonly string[]): Promise<void> {
  await address(page, ...audiences);
  await page.getByRole('textbox', { name: 'Title' }).fill(title);
  const id = await nextId(page);
  await sendButton(page).click();
  await page.locator('[data-outcome="accepted"]', { hasText: id }).waitFor();
}

async function nextId(page: Page): Promise<string> {
  return await page.locator('#send-id').inputValue();
}

export function titles(device: Locator): Promise<string[]> {
  return device.locator('.notification-name').allInnerTexts();
}

export function rowOf(device: Locator, title: string): Locator {
  return device.locator('.notification', { has: device.page().getByText(title, { exact: true }) });
}

export async function shows(device: Locator, title: string): Promise<void> {
  const named = device.locator('.notification-name').getByText(title, { exact: true });
  await named.first().waitFor({ state: 'attached' });
}

export async function hasUnseen(device: Locator, count: number): Promise<void> {
  const words = `${count} ${count === 1 ? 'notification' : 'notifications'} unseen. Mark all as seen`;
  await device.getByRole('button', { name: words, exact: true }).waitFor();
  if (count > 0) await expect.poll(() => device.locator('.bell .badge').textContent()).toBe(String(count));
}

/** One process handles events in order: what is not there before a last one for everybody will never be. */
export async function titlesUpToNow({
  page,
  ada,
  grace,
}: ConsolePage): Promise<{ ada: string[]; grace: string[] }> {
  await send(page, 'The last', 'global');
  await Promise.all([shows(ada, 'The last'), shows(grace, 'The last')]);
  return { ada: (await titles(ada)).slice(1), grace: (await titles(grace)).slice(1) };
}
