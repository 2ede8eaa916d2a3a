/** `carillon-client/react` in a real browser, in StrictMode, and on a server. */
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { serveApp } from '../support/app-server.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

const SCRIPT = `
import { StrictMode, useState } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { useCarillon, useClientEvent, useTopic } from '../../src/clients/react/use-carillon.ts';

const url = new URLSearchParams(location.hash.slice(1)).get('url');
const told = { clients: new Set(), states: [], topics: [], toasts: [] };
Object.assign(window, { told });

function App() {
  const [user, setUser] = useState('ada');
  const [topics, setTopics] = useState(0);
  // Outside of React's own events it renders in a task of its own: what the test sends next might be there before.
  Object.assign(window, { setUser, setTopics: (count) => flushSync(() => setTopics(count)) });
  return user === '' ? <p>Gone</p> : <Inbox key={user} user={user} topics={topics} />;
}

function Inbox({ user, topics }) {
  // Another function in each rendering, as in most apps.
  const carillon = useCarillon({ url, getToken: () => fetch('/token?user=' + user).then((got) => got.text()) });
  const { client, notifications, unseen, unread, hasMore, state } = carillon;
  if (client !== undefined) told.clients.add(client);
  Object.assign(window, { carillon });
  useClientEvent(client, 'state', ({ status }) => told.states.push(status));
  useClientEvent(client, 'toast', ({ id }) => told.toasts.push(user + ' ' + id));
  return (
    <main data-state={state.status} data-counts={[unseen, unread, notifications.length, hasMore].join()}>
      {notifications.map(({ id, read }) => <p key={id} data-read={read}>{id}</p>)}
      {Array.from({ length: topics }, (_, n) => <Topic key={n} client={client} n={n} />)}
    </main>
  );
}

function Topic({ client, n }) {
  useTopic(client, 'news', ({ id }) => told.topics.push(n + ' ' + id));
  return null;
}

createRoot(document.querySelector('#root')).render(<StrictMode><App /></StrictMode>);
`;

let app: Awaited<ReturnType<typeof serveApp>>;
let browser: Awaited<ReturnType<typeof launchChromium>>;
let carillon: CarillonProcess;
let producer: Producer;

beforeAll(async () => {
  app = await serveApp({ script: SCRIPT, body: '<div id="root"></div>' });
  const [redisUrl, amqpUrl] = await Promise.all([freshRedis(), freshVhost()]);
  const environment = { AMQP_URL: amqpUrl, REDIS_URL: redisUrl, JWT_SECRET, ALLOWED_ORIGINS: app.origin };
  [browser, carillon] = await Promise.all([launchChromium(), startCarillon(environment)]);
  producer = new Producer(amqpUrl);
});

afterAll(async () => {
  await browser?.close();
  await producer?.close();
  await Promise.all([carillon?.stop(), app?.close()]);
});

async function openApp() {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  page.setDefaultTimeout(40_000);
  const faults: string[] = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(`${app.origin}/#${new URLSearchParams({ url: carillon.url })}`);
  await page.locator('[data-state=connected]').waitFor({ state: 'attached' });
  const counts = () => page.locator('main').getAttribute('data-counts');
  return { page, faults, counts };
}

const send = (audience: string, ...ids: string[]) =>
  producer.publish(...ids.map((id) => madeEvent(id, { audience })));

test('shows the inbox as it is, and marks it', async () => {
  const { page, faults, counts } = await openApp();
  await send('user:ada', 'one', 'two', 'three');
  await expect.poll(counts).toBe('3,3,3,false');
  expect(await page.locator('p').allTextContents()).toEqual(['three', 'two', 'one']);

  await page.evaluate('carillon.markSeen("all")');
  await expect.poll(counts).toBe('0,3,3,false');
  await page.evaluate('carillon.markRead(["one", "two"])');
  await expect.poll(counts).toBe('0,1,3,false');
  await page.evaluate('carillon.markUnread(["one"])');
  await expect.poll(counts).toBe('0,2,3,false');
  await page.evaluate('carillon.markArchived(["three"])');
  await expect.poll(counts).toBe('0,1,2,false');
  expect(await page.locator('[data-read=true]').allTextContents()).toEqual(['two']);
  expect(faults).toEqual([]);
});

test('reads what is older', async () => {
  await send('user:grace', ...Array.from({ length: 60 }, (_, n) => `n${n}`));
  const { page, counts } = await openApp();
  await page.evaluate('setUser("grace")');
  await expect.poll(counts).toBe('60,60,50,true');
  await page.evaluate('carillon.loadMore()');
  await expect.poll(counts).toBe('60,60,60,false');
});

test('has one connection in StrictMode, another for another user, and none when it is gone', async () => {
  const { page, faults } = await openApp();
  const states = 'JSON.stringify([...told.clients].map(({ state }) => state.status))';
  expect(
    await page.evaluate('[...told.clients].filter(({ state }) => state.status !== "closed").length'),
  ).toBe(1);
  await page.evaluate('setUser("linus")');
  await page.waitForFunction(`${states}.endsWith('"closed","connected"]')`);
  await page.evaluate('setUser("")');
  await page.waitForFunction(`JSON.parse(${states}).every((status) => status === 'closed')`);
  expect(faults).toEqual([]);
});

test('is in a topic as long as one component wants it', async () => {
  const { page } = await openApp();
  await page.evaluate('setTopics(2)');
  // Until it is in force nothing of the topic comes.
  await expect
    .poll(async () => {
      await send('topic:news', `try-${Date.now()}`);
      return await page.evaluate('told.topics.length > 0');
    })
    .toBe(true);
  await send('topic:news', 'both');
  await expect
    .poll(() => page.evaluate('told.topics.filter((told) => told.endsWith("both"))'))
    .toEqual(['0 both', '1 both']);

  await page.evaluate('setTopics(1)');
  await send('topic:news', 'first only');
  await send('user:ada', 'after the first');
  await page.getByText('after the first').waitFor();
  await expect.poll(() => page.evaluate('told.topics.at(-1)')).toBe('0 first only');

  await page.evaluate('setTopics(0)');
  await send('topic:news', 'nobody');
  await send('user:ada', 'after nobody');
  await page.getByText('after nobody').waitFor();
  expect(await page.evaluate('told.topics.at(-1)')).toBe('0 first only');
});

test('renders an empty inbox on a server, and connects to nothing', async () => {
  const { useCarillon } = await import(
    new URL('../../packages/client/dist/clients/react/use-carillon.js', import.meta.url).href
  );
  let calls = 0;
  const getToken = () => {
    calls += 1;
    return Promise.resolve('');
  };
  const App = () => {
    const { notifications, unseen, state, client } = useCarillon({ url: carillon.url, getToken });
    return createElement('p', null, `${notifications.length} ${unseen} ${state.status} ${client}`);
  };
  expect(renderToString(createElement(App))).toBe('<p>0 0 connecting undefined</p>');
  expect(calls).toBe(0);
});
