/**
 * The laptop closes and opens again: two tabs of a browser with `carillon-client` go offline, five notifications are
 * sent meanwhile, and afterwards each tab has the five, once and in order, with the right badge, toasted once.
 */
import { createServer, type Server } from 'node:http';
import { build } from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';

/** What an app would do, with its memory laid open: `data-…` attributes say what its users see. */
const APP = `
import { connect } from '../../src/clients/client/connect.ts';

const { url, token } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const carillon = connect({ url, token: () => token });
const told = { notifications: [], toasts: [] };
const show = () => {
  document.body.dataset.state = carillon.state.status;
  document.body.dataset.unseen = carillon.inbox.unseen;
  document.body.dataset.listed = carillon.inbox.list.map(({ id }) => id).join();
  document.body.dataset.notifications = told.notifications.join();
  document.body.dataset.toasts = told.toasts.join();
};
carillon.on('notification', ({ id }) => { told.notifications.push(id); show(); });
carillon.on('toast', ({ id }) => { told.toasts.push(id); show(); });
carillon.on('state', show);
carillon.inbox.subscribe(show);
window.markAllSeen = () => carillon.inbox.markSeen('all');
`;

// A browser may take a minute to notice that there is no network.
vi.setConfig({ testTimeout: 240_000 });

let redis: RedisServer;
let carillon: CarillonProcess;
let producer: Producer;
let app: Server;
let browser: Browser;
let context: BrowserContext;
let tabs: Page[];

beforeAll(async () => {
  const bundle = await build({
    stdin: { contents: APP, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
  });
  const script = bundle.outputFiles[0]?.text ?? '';
  app = createServer((request, response) => {
    const isScript = request.url === '/app.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(
      isScript
        ? script
        : '<!doctype html><title>App</title><body></body><script type="module" src="/app.js"></script>',
    );
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  const address = app.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;

  redis = await startRedis();
  const amqpUrl = await freshVhost();
  carillon = await startCarillon({
    AMQP_URL: amqpUrl,
    REDIS_URL: redis.url,
    JWT_SECRET,
    ALLOWED_ORIGINS: origin,
  });
  producer = new Producer(amqpUrl);
  browser = await launchChromium();
  context = await browser.newContext();
  const hash = new URLSearchParams({ url: carillon.url, token: await tokenFor('ada') });
  tabs = await Promise.all([context.newPage(), context.newPage()]);
  await Promise.all(tabs.map((tab) => tab.goto(`${origin}/#${hash}`)));
});
afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => app.close(resolve));
  await producer.close();
  await carillon.stop();
  await redis.stop();
});

const shown = async (tab: Page, what: string) =>
  (await tab.locator('body').getAttribute(`data-${what}`)) ?? '';
const shownInBoth = (what: string) => Promise.all(tabs.map((tab) => shown(tab, what)));
const untilBothShow = (what: string, value: string) =>
  until(`both tabs to show ${what} ${value}`, 30_000, async () =>
    (await shownInBoth(what)).every((one) => one === value),
  );
const send = (...ids: string[]) =>
  producer.publish(...ids.map((id) => madeEvent(id, { audience: 'user:ada' })));

test('five sent while it was closed: five arrive, once, in order, and the badge is right in both tabs', async () => {
  await untilBothShow('state', 'connected');
  await send('before');
  await untilBothShow('notifications', 'before');
  await untilBothShow('unseen', '1');

  await context.setOffline(true);
  await until('both tabs to notice', 60_000, async () => !(await shownInBoth('state')).includes('connected'));
  await send('one', 'two', 'three', 'four', 'five');
  await context.setOffline(false);

  await untilBothShow('notifications', 'before,one,two,three,four,five');
  await untilBothShow('unseen', '6');
  await untilBothShow('listed', 'five,four,three,two,one,before');
  await until(
    'every toast',
    30_000,
    async () => (await shownInBoth('toasts')).join().split(',').filter(Boolean).length >= 6,
  );
  const toasts = (await shownInBoth('toasts')).flatMap((text) => text.split(',').filter(Boolean));
  expect(toasts.toSorted()).toEqual(['before', 'five', 'four', 'one', 'three', 'two']);

  await tabs[0]?.evaluate('markAllSeen()');
  await untilBothShow('unseen', '0');
  await send('after');
  await untilBothShow('unseen', '1');
});
