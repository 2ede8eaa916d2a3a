/** The console behind a proxy that logs people in: no token is asked for, and no foreign page can use the login. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type CarillonProcess, JWT_SECRET, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { connectClient } from '../support/client.ts';
import { startReal } from '../support/console.ts';
import { fencedBlock } from '../support/fenced-blocks.ts';
import { KeyProvider } from '../support/key-provider.ts';
import { type LoginProxy, startLoginProxy } from '../support/login-proxy.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { connects, openConsole, send, shows } from './console-page.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 120_000 });

const PATIENCE_MS = 40_000;
const PAGE = 'docs/console.md';
const settings = fencedBlock(PAGE, 'toml', 'oidc_issuer_url');
const documented = Object.fromEntries(
  fencedBlock(PAGE, 'sh', 'JWKS_URL=')
    .split('\n')
    .map((line): [string, string] => {
      const [name = '', ...value] = line.split('=');
      return [name, value.join('=')];
    }),
);

let keys: KeyProvider;
let carillon: CarillonProcess;
let browser: Browser;

beforeAll(async () => {
  keys = await KeyProvider.create();
  await keys.addKey('k', 'RS256');
  await keys.start();
  // With a secret as well, it makes tokens for the page's devices.
  carillon = await startReal({ ...documented, JWKS_URL: keys.url, JWT_SECRET });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await carillon?.stop();
  await keys?.stop();
});

/** An ID token of Keycloak. */
const idToken = (user: string, ...roles: readonly string[]) =>
  keys.tokenOf('k', user, {
    iss: documented.JWT_ISSUER,
    aud: documented.JWT_AUDIENCE,
    jti: 'login-7',
    resource_access: { carillon: { roles } },
  });

async function proxied(
  token: () => Promise<string>,
  changed: (settings: string) => string = (same) => same,
): Promise<LoginProxy> {
  const proxy = await startLoginProxy({ settings: changed(settings), upstream: carillon.opsUrl, token });
  onTestFinished(() => proxy.close());
  return proxy;
}

async function openLoggedIn({ origin }: LoginProxy) {
  const opened = await openConsole(browser, `${origin}/console/`);
  await opened.page.getByRole('link', { name: 'Sign in' }).click();
  return opened;
}

const recorded = (...parts: readonly string[]) =>
  carillon.output.filter(
    (line) => line.includes('"admin call') && parts.every((part) => line.includes(part)),
  );

test('the page asks for no token, says who is logged in, and its calls bear that name', async () => {
  const proxy = await proxied(() => idToken('grace', 'admin'));
  const { page } = await openLoggedIn(proxy);
  await page.getByText('Streaming').waitFor();
  expect(await page.getByRole('textbox', { name: 'Token' }).count()).toBe(0);
  await page.getByRole('navigation', { name: 'Page' }).getByText('grace', { exact: true }).waitFor();
  const id = await page.locator('#send-id').inputValue();
  await send(page, 'From behind the proxy', 'user:ada');
  await until('the record', PATIENCE_MS, () => recorded('console.send', id).length > 0);
  expect(JSON.parse(recorded('console.send', id)[0] ?? '')).toMatchObject({
    actor: 'grace',
    tokenId: 'login-7',
    scope: 'admin',
    address: '127.0.0.1',
    status: 202,
  });
});

test('nothing but the console and what it asks of /admin is behind it', async () => {
  const proxy = await proxied(() => idToken('grace', 'admin'));
  const { page } = await openLoggedIn(proxy);
  await page.getByText('Streaming').waitFor();
  const statusOf = async (path: string) => (await page.request.get(`${proxy.origin}${path}`)).status();
  expect(await statusOf('/console/about')).toBe(200);
  expect(await statusOf('/admin/dead-letters')).toBe(200);
  for (const path of ['/metrics', '/health/ready', '/docs']) expect(await statusOf(path)).toBe(404);
});

test('an operator looks at dead letters without a token of their own, and the record has their name', async () => {
  const proxy = await proxied(() => idToken('hedy', 'admin:read'));
  const { page } = await openLoggedIn(proxy);
  await page.getByText('Streaming').waitFor();
  await page.getByRole('link', { name: 'Operate' }).click();
  await page.getByText('None matches.').waitFor();
  const looks = () => recorded('dead-letters.list', '"actor":"hedy"');
  await until('the record', PATIENCE_MS, () => looks().length > 0);
  const [line = ''] = looks();
  expect(JSON.parse(line)).toMatchObject({ scope: 'admin:read', status: 200 });
});

test('where the proxy lets /admin not through, the page says so', async () => {
  const proxy = await proxied(
    () => idToken('grace', 'admin'),
    (text) => text.replace(/, "[^"]*\/admin\/"/, ''),
  );
  const { page } = await openLoggedIn(proxy);
  await page.getByText('Streaming').waitFor();
  await page.getByRole('link', { name: 'Operate' }).click();
  const problem = page.getByRole('alert').filter({ hasText: 'admin_not_reached' });
  await problem.getByText('/admin is not let through to Carillon.').waitFor();
  await problem.getByText('answered with status 404, and not Carillon itself').waitFor();
  expect(await page.getByText('None matches.').count()).toBe(0);
});

test('a login without the right is told what it lacks, and is let in when it has it', async () => {
  const roles: string[] = ['events:write'];
  const proxy = await proxied(() => idToken('hopper', ...roles));
  const { page } = await openLoggedIn(proxy);
  await page
    .getByText('You are logged in as hopper. forbidden: the token lacks the scope admin:read')
    .waitFor();
  roles.push('admin:read');
  await page.getByRole('button', { name: 'Log in again' }).click();
  await page.getByText('Streaming').waitFor();
});

test('when the login ends, the page says so and does not ask for a token', async () => {
  const proxy = await proxied(() => idToken('grace', 'admin'));
  const { page } = await openLoggedIn(proxy);
  await page.getByText('Streaming').waitFor();
  proxy.logOut();
  await page.getByRole('textbox', { name: 'Title' }).fill('Too late');
  await page.getByText('Your login has ended').waitFor();
  expect(await page.getByRole('textbox', { name: 'Token' }).count()).toBe(0);
  await page.getByRole('button', { name: 'Log in again' }).click();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByText('Streaming').waitFor();
});

test('a page of another origin cannot use the login of whoever looks at it', async () => {
  // All of OPS_PORT, as somebody may set it up.
  const proxy = await proxied(
    () => idToken('victim', 'admin'),
    (text) => text.replace(/^upstreams = .*$/m, 'upstreams = ["http://127.0.0.1:3001/"]'),
  );
  const { page } = await openLoggedIn(proxy);
  await page.getByText('Streaming').waitFor();
  const device = connectClient(
    carillon.url,
    await tokenFor('ada', { iss: documented.JWT_ISSUER, aud: documented.JWT_AUDIENCE }),
  );
  onTestFinished(() => device.close());
  await device.session();

  const foreign = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end(`
      <iframe name="answers"></iframe>
      <form id="form" method="post" enctype="text/plain" target="answers" action="${proxy.origin}/admin/users/ada/disconnect">
        <input name='{"notBefore":"2026-01-01T00:00:00Z"}' value=""></form>
      <script>
        document.querySelector('#form').submit();
        const init = { method: 'POST', mode: 'no-cors', credentials: 'include' };
        fetch('${proxy.origin}/admin/users/ada/disconnect', init).finally(() => document.title = 'asked');
        fetch('${proxy.origin}/console/events', { ...init, body: '{}' });
        fetch('${proxy.origin}/console/live', { mode: 'no-cors', credentials: 'include' });
      </script>`),
  );
  await once(foreign.listen(await freePort(), '127.0.0.1'), 'listening');
  onTestFinished(() => {
    foreign.closeAllConnections();
    foreign.close();
  });
  const address = foreign.address();
  const other = await page.context().newPage();
  await other.goto(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`);
  await until(
    'what it sent',
    PATIENCE_MS,
    () => recorded('"actor":"victim"', '"refusal":"origin"').length >= 4,
  );
  const refused = recorded('"actor":"victim"', '"refusal":"origin"').map((line) => JSON.parse(line).action);
  expect(refused.toSorted()).toEqual([
    'console.send',
    'console.watch',
    'users.disconnect',
    'users.disconnect',
  ]);
  expect(recorded('"actor":"victim"', 'users.disconnect', '"status":202')).toEqual([]);
  expect(device.goaways).toEqual([]);
});

test('whoever is not behind a proxy is asked for a token as ever, and then named', async () => {
  const { page, ada } = await openConsole(browser, `${carillon.opsUrl}/console/`);
  await page.getByRole('textbox', { name: 'Token' }).fill(await idToken('lovelace', 'admin'));
  await page.getByRole('button', { name: 'Come in' }).click();
  await page.getByText('Streaming').waitFor();
  await page.getByRole('navigation', { name: 'Page' }).getByText('lovelace', { exact: true }).waitFor();
  await connects(ada);
  await send(page, 'With a token', 'user:ada');
  await shows(ada, 'With a token');
});
