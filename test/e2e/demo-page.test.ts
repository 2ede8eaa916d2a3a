/** The demo page in a real browser, served by the built program in embedded mode. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type CarillonProcess, startCarillon } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';

const SCREENSHOT = new URL('../artifacts/demo-page.png', import.meta.url).pathname;

let browser: Browser;
let carillon: CarillonProcess;

beforeAll(async () => {
  [browser, carillon] = await Promise.all([launchChromium(), startCarillon({})]);
});

afterAll(async () => {
  await browser?.close();
  await carillon?.stop();
});

interface Demo {
  readonly page: Page;
  readonly ada: Locator;
  readonly grace: Locator;
  /** Hosts of all requests and WebSockets. */
  readonly hosts: ReadonlySet<string>;
  /** Console errors and uncaught exceptions. */
  readonly faults: readonly string[];
}

async function openPage(url: string, prepare?: (page: Page) => Promise<unknown>): Promise<Demo> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  // Less than a test may take, so that it is said what was waited for.
  page.setDefaultTimeout(20_000);
  const hosts = new Set<string>();
  const faults: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) hosts.add(new URL(request.url()).host);
  });
  page.on('websocket', (socket) => hosts.add(new URL(socket.url()).host));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  await prepare?.(page);
  await page.goto(url);
  const devices = page.locator('[data-device]');
  return { page, ada: devices.nth(0), grace: devices.nth(1), hosts, faults };
}

/** The page with both devices connected. */
async function openDemo(): Promise<Demo> {
  const demo = await openPage(carillon.url);
  await Promise.all([demo.ada, demo.grace].map((device) => reaches(device, 'connected')));
  return demo;
}

function reaches(device: Locator, state: string): Promise<void> {
  return device.locator(`[data-connection="${state}"]`).waitFor();
}

async function fill(page: Page, to: string, id: string | undefined, title: string): Promise<void> {
  const form = page.locator('[data-send]');
  await form.getByRole('combobox', { name: 'To' }).selectOption(to);
  if (id !== undefined) await form.getByRole('textbox', { name: 'Id' }).fill(id);
  await form.getByRole('textbox', { name: 'Title' }).fill(title);
}

/** Resolves when the service has accepted the event. */
async function send(page: Page, to: string, id: string | undefined, title: string): Promise<void> {
  await fill(page, to, id, title);
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText(`Accepted for ${id === undefined ? to : `${to}:${id}`}.`).waitFor();
}

async function rings(device: Locator, badge: string, title: string): Promise<void> {
  await device.getByRole('heading', { name: title }).waitFor();
  await device.getByRole('img', { name: `${badge} unseen` }).waitFor();
  expect(await device.locator('[data-badge]').textContent()).toBe(badge);
}

/** One process handles events in order, so that what is not there before a last global one will never be. */
async function titlesUpToNow({ page, ada, grace }: Demo): Promise<{ ada: string[]; grace: string[] }> {
  await send(page, 'global', undefined, 'The last');
  const titles = async (device: Locator) => {
    await device.getByRole('heading', { name: 'The last' }).waitFor();
    return await device.locator('[data-title]').allInnerTexts();
  };
  return { ada: await titles(ada), grace: await titles(grace) };
}

describe('the demo page', () => {
  test('rings on the devices of the audience and on no others', async () => {
    const demo = await openDemo();
    const { page, ada, grace, hosts, faults } = demo;
    expect(await ada.locator('[data-badge]').isVisible()).toBe(false);

    await send(page, 'user', 'ada', 'Your order has shipped');
    await rings(ada, '1', 'Your order has shipped');
    await send(page, 'department', 'support', 'The queue is growing');
    await rings(grace, '1', 'The queue is growing');
    await send(page, 'global', undefined, 'Maintenance at ten');
    await rings(ada, '2', 'Maintenance at ten');
    await rings(grace, '2', 'Maintenance at ten');
    await page.screenshot({ path: SCREENSHOT, fullPage: true });

    expect(await titlesUpToNow(demo)).toEqual({
      ada: ['The last', 'Maintenance at ten', 'Your order has shipped'],
      grace: ['The last', 'Maintenance at ten', 'The queue is growing'],
    });
    expect([...hosts]).toEqual([new URL(carillon.url).host]);
    expect(faults).toEqual([]);
  });

  test('shows what an event says as text, its severity in words, and announces it', async () => {
    const { page, ada } = await openDemo();
    await page.getByRole('textbox', { name: 'Body' }).fill('<img src="/nothing"> & more');
    await page.getByRole('radio', { name: 'critical' }).check();
    await send(page, 'user', 'ada', '<b>Bold</b>');
    await ada.getByText('<img src="/nothing"> & more').waitFor();
    const entry = ada.locator('[data-notification]');
    expect(await entry.locator('[data-title]').textContent()).toBe('<b>Bold</b>');
    expect(await entry.locator('[data-word]').textContent()).toBe('critical');
    expect(await entry.locator('[data-audience]').textContent()).toBe('user:ada');
    expect(await ada.locator('[aria-live]').textContent()).toBe('New for ada, critical: <b>Bold</b>');
  });

  test.each([
    { reducedMotion: 'no-preference', animated: 'rotate' },
    { reducedMotion: 'reduce', animated: 'fill' },
  ] as const)(
    'with motion: $reducedMotion a bell that rings changes its $animated',
    async ({ reducedMotion, animated }) => {
      const { page, ada } = await openDemo();
      await page.emulateMedia({ reducedMotion });
      // Scripts, not functions: the types of the page are unknown here. The last word keeps this from awaiting it.
      await page.evaluate(`window.animated = new Promise((resolve) => {
      document.querySelector('[data-bell]').addEventListener('animationstart', ({ target }) => {
        resolve(target.getAnimations()[0].effect.getKeyframes().flatMap(Object.keys));
      });
    }); undefined`);
      await send(page, 'user', 'ada', 'Ring');
      const properties = await page.evaluate('window.animated');
      expect(properties).toContain(animated);
      expect(properties).not.toContain(animated === 'rotate' ? 'fill' : 'rotate');
      await ada.locator('[data-bell]:not([data-ringing])').waitFor();
    },
  );

  test('fits into 360 pixels', async () => {
    const { page } = await openDemo();
    await page.setViewportSize({ width: 360, height: 740 });
    await send(page, 'global', undefined, 'a-word-without-any-place-to-break-it'.repeat(4));
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
  });

  test('counts from zero after Clear, and keeps the list', async () => {
    const { page, ada } = await openDemo();
    await send(page, 'user', 'ada', 'Before');
    await rings(ada, '1', 'Before');
    await ada.getByRole('button', { name: 'Clear' }).click();
    await ada.locator('[data-badge]').waitFor({ state: 'hidden' });
    await send(page, 'user', 'ada', 'After');
    await rings(ada, '1', 'After');
    expect(await ada.locator('[data-title]').allInnerTexts()).toEqual(['After', 'Before']);
  });

  test('rings for a topic only where it is subscribed to', async () => {
    const demo = await openDemo();
    const { page, grace } = demo;
    await grace.getByRole('textbox', { name: 'Topic' }).fill('ticker.eth-usd');
    await grace.getByRole('button', { name: 'Subscribe' }).click();
    await grace.getByRole('listitem').getByText('topic:ticker.eth-usd').waitFor();
    await send(page, 'topic', 'ticker.eth-usd', 'New high');
    await rings(grace, '1', 'New high');
    expect(await titlesUpToNow(demo)).toEqual({ ada: ['The last'], grace: ['The last', 'New high'] });
  });

  test('becomes another device when user and departments are changed', async () => {
    const { page, ada } = await openDemo();
    await send(page, 'user', 'ada', 'For ada alone');
    await rings(ada, '1', 'For ada alone');
    await ada.getByRole('textbox', { name: 'User' }).fill('linus');
    await ada.getByRole('textbox', { name: 'Departments' }).fill('sales, kernel');
    await ada.getByRole('button', { name: 'Connect' }).click();
    await ada.getByRole('heading', { name: 'linus' }).waitFor();
    expect(await ada.locator('[data-title]').count()).toBe(0);
    await send(page, 'department', 'kernel', 'Release');
    await rings(ada, '1', 'Release');
  });

  test('shows a problem at its field and keeps what was typed', async () => {
    const { page, faults } = await openDemo();
    await fill(page, 'user', 'a b', 'Kept');
    await page.getByRole('textbox', { name: 'Body' }).fill('Kept, too');
    await page.getByRole('button', { name: 'Send' }).click();

    const id = page.locator('[data-send]').getByRole('textbox', { name: 'Id' });
    await page.getByText('Not accepted. An audience is malformed').waitFor();
    expect(await id.getAttribute('aria-invalid')).toBe('true');
    const problem = page.locator(`#${await id.getAttribute('aria-describedby')}`);
    expect(await problem.textContent()).toMatch(/^audience\[0\]: an audience is/);
    expect(await id.inputValue()).toBe('a b');
    expect(await page.getByRole('textbox', { name: 'Title' }).inputValue()).toBe('Kept');
    expect(await page.getByRole('textbox', { name: 'Body' }).inputValue()).toBe('Kept, too');
    // Chromium itself writes this for every response above 399.
    expect(faults).toEqual([expect.stringContaining('status of 422')]);

    await send(page, 'user', 'ada', 'Mended');
    expect(await id.getAttribute('aria-invalid')).toBe('false');
    expect(await problem.textContent()).toBe('');
  });

  test('says that it was refused when the token is not valid', async () => {
    const { ada } = await openPage(carillon.url, (page) =>
      page.route('**/demo/token?*', (route) => route.fulfill({ json: { token: 'not.a.token' } })),
    );
    await reaches(ada, 'refused');
    expect(await ada.locator('[data-connection]').textContent()).toBe('refused: unauthorized');
  });

  test('connects again by itself, and to its topics, when the service was away', async () => {
    const first = await startCarillon({});
    onTestFinished(async () => void (await first.stop()));
    const { page, ada } = await openPage(first.url);
    await reaches(ada, 'connected');
    await ada.getByRole('button', { name: 'Subscribe' }).click();
    await ada.getByRole('listitem').getByText('topic:').waitFor();
    const waiting = ada.getByText(/^connecting again in \d+ s/).waitFor();
    await first.stop();
    await waiting;

    const second = await startCarillon({ PORT: new URL(first.url).port });
    onTestFinished(async () => void (await second.stop()));
    await reaches(ada, 'connected');
    await ada.getByRole('listitem').getByText('topic:').waitFor();
    await send(page, 'topic', 'ticker.btc-usd', 'Back again');
    await rings(ada, '1', 'Back again');
  });
});
