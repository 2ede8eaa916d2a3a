/** The stage for the bell's tests: an app with a bell, a Carillon on real servers, and a browser. */
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { type AppServer, serveApp } from './app-server.ts';
import { JWT_SECRET, startCarillon } from './carillon.ts';
import { launchChromium } from './chromium.ts';
import { watchProxy } from './contracts/watch.ts';
import { type PageWatch, watchPage } from './page-watch.ts';
import { madeEvent, Producer } from './producer.ts';
import { startRedis } from './redis.ts';
import { freshVhost } from './servers.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import { temporaryFile } from './temporary-file.ts';

/**
 * The bell gets its properties before it is defined, as from a framework that renders first.
 * Its toasts stay for longer than their seven seconds, because a busy machine may take that long to look at them.
 * `patience`: multiplies the time that a message between tabs may take. Two tabs may show the same toast when messages
 * take longer than that.
 */
const SCRIPT = `
const { url, user, patience = 1, ...attributes } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const longer = new Map([[7_000, 120_000], [150, 150 * patience], [2_000, 2_000 * patience]]);
const begin = window.setTimeout;
window.setTimeout = (run, ms, ...args) => begin(run, longer.get(ms) ?? ms, ...args);
const bell = document.querySelector('carillon-bell');
const told = { notifications: [], opened: [], states: [], errors: [], prevents: '' };
Object.assign(window, { bell, told });
Object.assign(bell, { url, getToken: () => fetch('/token?user=' + user).then((response) => response.text()) });
for (const [name, value] of Object.entries(attributes)) bell.setAttribute(name, value);
const hear = (name, list, of) => document.addEventListener('carillon-' + name, (event) => {
  told[list].push(of(event.detail));
  if (told.prevents === name) event.preventDefault();
});
hear('notification', 'notifications', ({ id }) => id);
hear('open', 'opened', ({ href }) => href);
hear('state', 'states', ({ status }) => status);
hear('error', 'errors', ({ code }) => code);
await import('../../src/clients/bell/bell.ts');
`;

const BODY = `
<header style="display: flex; align-items: center; gap: 16px; justify-content: flex-end"><h1>App</h1> <carillon-bell></carillon-bell></header>
<main><p>The app</p> <button id="elsewhere">Elsewhere</button></main>`;

interface OpenBell extends Pick<PageWatch, 'faults'> {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly button: Locator;
  readonly badge: Locator;
  readonly panel: Locator;
  readonly items: Locator;
  readonly titles: Locator;
  readonly toasts: Locator;
}

export interface BellStage {
  readonly app: AppServer;
  readonly browser: Browser;
  /** Opens a connected bell. It is closed after the test. */
  open(
    user: string,
    attributes?: Readonly<Record<string, string>>,
    options?: BrowserContextOptions,
  ): Promise<OpenBell>;
  /** Opens another tab of the same browser. */
  openTab(
    context: BrowserContext,
    user: string,
    attributes?: Readonly<Record<string, string>>,
  ): Promise<OpenBell>;
  send(user: string, id: string, attributes?: Record<string, unknown>): Promise<void>;
  /** Cuts all of the browser's connections. No new one opens until `context.setOffline(false)`. */
  goOffline(context: BrowserContext): Promise<void>;
  stop(): Promise<void>;
}

/** `routes`: the text of a routes file. */
export async function startBellStage(lifeSeconds = 600, routes = 'routes: []'): Promise<BellStage> {
  const app = await serveApp({ script: SCRIPT, body: BODY, lifeSeconds });
  const [redis, amqpUrl, browser] = await Promise.all([startRedis(), freshVhost(), launchChromium()]);
  const ROUTES_FILE = temporaryFile('routes.yaml', routes);
  const ALLOWED_ORIGINS = app.origin;
  const environment = { AMQP_URL: amqpUrl, REDIS_URL: redis.url, JWT_SECRET, ALLOWED_ORIGINS, ROUTES_FILE };
  const carillon = await startCarillon(environment);
  const proxy = await startTcpProxy(Number(new URL(carillon.url).port));
  const url = `http://127.0.0.1:${proxy.port}`;
  await watchProxy(url);
  const producer = new Producer(amqpUrl);

  const openTab: BellStage['openTab'] = async (context, user, attributes = {}) => {
    const page = await context.newPage();
    // Shorter than a test may take, so that the error names what the test was waiting for.
    page.setDefaultTimeout(40_000);
    const { faults } = watchPage(page);
    await page.goto(`${app.origin}/#${new URLSearchParams({ url, user, ...attributes })}`);
    const bell = page.locator('carillon-bell');
    await page.waitForFunction('window.bell?.client?.state.status === "connected"');
    return {
      page,
      context,
      button: bell.locator('.button'),
      badge: bell.locator('.badge'),
      panel: bell.locator('.panel'),
      items: bell.locator('.item'),
      titles: bell.locator('.item .title'),
      toasts: bell.locator('.toast'),
      faults,
    };
  };

  return {
    app,
    browser,
    openTab,
    async open(user, attributes, options = {}) {
      const context = await browser.newContext(options);
      onTestFinished(() => context.close());
      return await openTab(context, user, attributes);
    },
    send: (user, id, attributes = {}) =>
      producer.publish(madeEvent(id, { audience: `user:${user}`, data: { title: id }, ...attributes })),
    async goOffline(context) {
      await context.setOffline(true);
      // `setOffline` leaves Chromium's WebSockets open.
      proxy.cut();
    },
    async stop() {
      await browser.close();
      await producer.close();
      await proxy.close();
      await Promise.all([carillon.stop(), app.close()]);
      await redis.stop();
    },
  };
}
