/** The service under a path of somebody else's host: behind nginx with the lines that the documentation has, and a proxy. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { connect } from '../../src/clients/client/connect.ts';
import { type AppServer, serveApp } from '../support/app-server.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { connectClient } from '../support/client.ts';
import { startOwnProcess } from '../support/own-process.ts';
import { freePort, isListening } from '../support/ports.ts';
import { type PrefixProxy, startPrefixProxy } from '../support/prefix-proxy.ts';
import { madeEvent } from '../support/producer.ts';
import { findNginx } from '../support/programs.ts';
import { until } from '../support/until.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

const TIMEOUT_MS = 40_000;

/** The bell and the hook side by side, of the same user. */
const SCRIPT = `
import { createRoot } from 'react-dom/client';
import { useCarillon } from '../../src/clients/react/use-carillon.ts';
import '../../src/clients/bell/bell.ts';

const [url, wrong] = ['url', 'wrong'].map((name) => new URLSearchParams(location.hash.slice(1)).get(name));
const getToken = () => fetch('/token?user=ada').then((got) => got.text());
const errors = [];
document.addEventListener('carillon-error', ({ detail }) => errors.push(detail.code));
// What the hook cannot use is reported here.
window.addEventListener('unhandledrejection', (event) => { errors.push(event.reason.code); event.preventDefault(); });
Object.assign(document.querySelector('carillon-bell'), { url: wrong ?? url, getToken });
Object.assign(window, { errors });

function App() {
  const { notifications, state } = useCarillon({ url: wrong ?? url, getToken });
  return <main data-state={[state.status, state.reason].join(' ')}>{notifications.map(({ id }) => <p key={id}>{id}</p>)}</main>;
}
createRoot(document.querySelector('#root')).render(<App />);
`;

let app: AppServer;
let carillon: CarillonProcess;
let proxies: Record<string, PrefixProxy>;

beforeAll(async () => {
  app = await serveApp({ script: SCRIPT, body: '<carillon-bell></carillon-bell><div id="root"></div>' });
  carillon = await startCarillon({ JWT_SECRET, ALLOWED_ORIGINS: app.origin });
  proxies = {
    nginx: await startNginx(carillon.url),
    'a proxy': await startPrefixProxy(carillon.url, '/a/b'),
  };
});
afterAll(async () => {
  await Promise.all(Object.values(proxies ?? {}).map((proxy) => proxy.close()));
  await Promise.all([carillon?.stop(), app?.close()]);
});

async function publish(id: string): Promise<void> {
  const authorization = `Bearer ${await tokenFor('producer', { scope: 'events:write' })}`;
  const response = await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify(madeEvent(id, { audience: 'user:ada', data: { title: id } })),
  });
  expect(response.status).toBe(202);
}

describe.each(['nginx', 'a proxy'])('behind %s', (name) => {
  test('the client connects, and HTTP has the same inbox', async () => {
    const url = proxies[name]?.url ?? '';
    const token = await tokenFor('ada');
    const client = connect({ url: `${url}/`, token: () => token });
    onTestFinished(() => client.close());
    const seen: string[] = [];
    client.on('notification', ({ id }) => seen.push(id));
    await until('the session', TIMEOUT_MS, () => client.state.status === 'connected');
    await publish(`of ${name}`);
    await until('the notification', TIMEOUT_MS, () => seen.includes(`of ${name}`));
    const response = await fetch(`${url}/v1/inbox`, { headers: { authorization: `Bearer ${token}` } });
    expect(await response.json()).toMatchObject({ notifications: [{ id: `of ${name}` }] });
    await client.inbox.markArchived([`of ${name}`]);
  });
});

test('a url without its path is no namespace, and another client learns the path', async () => {
  const { origin, pathname } = new URL(proxies.nginx?.url ?? '');
  const client = connectClient(origin, await tokenFor('ada'), {
    path: `${pathname}/socket.io`,
    transports: ['polling'],
  });
  onTestFinished(() => client.close());
  expect(await client.session()).toMatchObject({ user: 'ada' });
});

describe('in a browser', () => {
  let browser: Awaited<ReturnType<typeof launchChromium>>;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  async function open(about: Record<string, string>) {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(`${app.origin}/#${new URLSearchParams(about)}`);
    return page;
  }

  test('the bell and the hook are in it', async () => {
    const page = await open({ url: proxies.nginx?.url ?? '' });
    await page.waitForFunction(
      'document.querySelector("carillon-bell").client?.state.status === "connected"',
    );
    await page.locator('main[data-state^="connected"]').waitFor({ state: 'attached' });
    await publish('in a browser');
    await page.locator('main p', { hasText: 'in a browser' }).waitFor();
    await page.waitForFunction('document.querySelector("carillon-bell").client.inbox.unseen === 1');
  });

  test('the bell that the service serves there needs no url', async () => {
    const url = proxies.nginx?.url ?? '';
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    // The app's own script defines the bell too.
    await page.route('**/app.js', (route) => route.abort());
    // A page that is not from a server of this machine would not be let in to one of its servers.
    await page.goto(app.origin);
    await page.setContent(`<script type="module" src="${url}/client/bell.js"></script>
      <carillon-bell token="${await tokenFor('ada')}"></carillon-bell>`);
    await page.waitForFunction(
      'document.querySelector("carillon-bell").client?.state.status === "connected"',
    );
    await publish('in one line');
    await page.locator('carillon-bell').getByText('in one line').first().waitFor();
    expect(await page.evaluate('customElements.get("carillon-bell").defaultUrl')).toBe(`${url}/`);
  });

  test('they say so when a url cannot be used', async () => {
    const page = await open({ wrong: 'htps://example.com' });
    await page.locator('main[data-state="closed invalid_url"]').waitFor({ state: 'attached' });
    await page.waitForFunction('errors.length === 2');
    expect(await page.evaluate('errors')).toEqual(['invalid_url', 'invalid_url']);
  });
});

/** The lines of the documentation in a configuration that has nothing else. */
async function startNginx(serverUrl: string): Promise<PrefixProxy> {
  const command = findNginx();
  if (command === undefined) throw new Error('nothing runs nginx');
  const deployment = await readFile(new URL('../../docs/deployment.md', import.meta.url), 'utf8');
  const [, location = ''] = /```nginx\n(location \/notify\/ \{.*?\n\})\n```/s.exec(deployment) ?? [];
  const [map = ''] = /map \$http_upgrade \$connection_header \{[^`]*\}/.exec(deployment) ?? [];
  const [folder, port] = await Promise.all([mkdtemp(join(tmpdir(), 'carillon-path-')), freePort()]);
  const file = join(folder, 'nginx.conf');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => {
    return `${kind}_temp_path ${folder}/${kind};`;
  });
  await writeFile(
    file,
    `pid ${folder}/nginx.pid; error_log stderr notice; events {}
http { access_log off; ${paths.join(' ')} ${map}
upstream gateways { server ${new URL(serverUrl).host}; }
server { listen 127.0.0.1:${port}; ${location} } }`,
  );
  const nginx = await startOwnProcess({
    command,
    args: ['-c', file, '-g', `daemon off;${process.getuid?.() === 0 ? ' user root;' : ''}`],
    folder,
    logFile: join(folder, 'nginx.log'),
    startTimeoutMs: TIMEOUT_MS,
    isReady: () => isListening(port),
  });
  return {
    url: `http://127.0.0.1:${port}/notify`,
    close: async () => {
      await nginx.terminate();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
