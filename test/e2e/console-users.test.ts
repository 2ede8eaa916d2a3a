/** The console's users and queues, as an operator uses them, and what an embedded console says in their place. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { connectClient, refusalOf } from '../support/client.ts';
import { startReal } from '../support/console.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { openView, saysWhatItKnows } from './console-operator.ts';
import { openConsole } from './console-page.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

const POLLED = ['/admin/queues', '/console/dead-letters'];
const PATIENCE_MS = 20_000;
/** An id that no path can carry, and that is read from the right. */
const USER = '../أحمد&+';

let browser: Browser;
let carillon: CarillonProcess;

beforeAll(async () => {
  [browser, carillon] = await Promise.all([launchChromium(), startReal({ JWT_SECRET, CONSOLE: 'true' })]);
});
afterAll(async () => {
  await browser?.close();
  await carillon?.stop();
});

async function deviceOf(user: string, device: string, token?: string) {
  const connected = connectClient(carillon.url, token ?? (await tokenFor(user, { departments: ['sales'] })), {
    auth: { device },
  });
  onTestFinished(() => connected.close());
  await connected.session();
  return connected;
}

const userView = (user: string) => `users?${new URLSearchParams({ user })}`;
const connected = (page: Page) => page.getByRole('list', { name: 'Connected' }).getByRole('listitem');
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

/** Presence is written behind the session. */
async function readUntil(page: Page, isThere: () => Promise<boolean>): Promise<void> {
  await until('what is read again', PATIENCE_MS, async () => {
    await page
      .locator('.part', { has: page.locator('#title-user') })
      .getByRole('button', { name: 'Read again' })
      .click();
    return await isThere();
  });
}

test('a user’s sessions and devices are shown, and sent away with the way back open', async () => {
  const desk = await deviceOf(USER, 'desk');
  const left = await deviceOf(USER, 'phone');
  left.close();
  const { page, faults } = await openView(browser, carillon, { view: userView(USER) });
  await readUntil(page, async () => (await page.getByText('away', { exact: true }).count()) === 1);
  expect(await connected(page).count()).toBe(1);
  await connected(page).getByText('desk', { exact: true }).waitFor();
  await connected(page).getByText('websocket from 127.0.0.1').waitFor();
  await connected(page).getByText('department:sales').waitFor();
  await page.getByRole('list', { name: 'Away' }).getByText('phone', { exact: true }).waitFor();
  await saysWhatItKnows(page, '/admin/users/sessions');

  await press(page, 'Disconnect …');
  const question = page.getByRole('dialog', { name: `Disconnect ${USER}?` });
  await question.getByText('1 connection is closed.').waitFor();
  await question.getByRole('button', { name: 'Disconnect', exact: true }).click();
  await page.getByText('Every gateway is told to close the connections.').waitFor();
  await until('the goaway', PATIENCE_MS, () => desk.goaways.length > 0);
  expect(desk.goaways).toMatchObject([{ code: 'disconnected' }]);
  expect(faults).toEqual([]);
});

test('tokens are revoked: who has one is sent away, and does not come back with it', async () => {
  const token = await tokenFor('rob');
  const device = await deviceOf('rob', 'desk', token);
  const { page } = await openView(browser, carillon, { view: 'users' });
  await page.getByRole('textbox', { name: 'User', exact: true }).fill('rob');
  await page.keyboard.press('Enter');
  await press(page, 'Revoke tokens …');
  await page
    .getByRole('dialog', { name: 'Revoke the tokens of rob?' })
    .getByRole('button', { name: 'Revoke' })
    .click();
  await page.getByText(/^Every gateway is told: tokens issued before 2/).waitFor();
  await until('the goaway', PATIENCE_MS, () => device.goaways.length > 0);
  expect(device.goaways).toMatchObject([{ code: 'token_revoked' }]);
  const again = connectClient(carillon.url, token);
  onTestFinished(() => again.close());
  expect((await refusalOf(again)).data).toMatchObject({ code: 'unauthorized' });
});

test('departments are given in place of the token’s, and taken back', async () => {
  const device = await deviceOf('sam', 'desk');
  const { page } = await openView(browser, carillon, { view: 'users?user=sam' });
  await readUntil(page, async () => (await connected(page).count()) === 1);
  await page.getByText('Not given.').waitFor();
  await page.getByText('The connections hear sales').waitFor();
  const field = page.getByRole('textbox', { name: /^Give, with commas/ });
  expect(await field.inputValue()).toBe('sales');
  await field.fill('north, west');
  await press(page, 'Give');
  await page.getByText('Given by an operator: north, west').waitFor();
  await until('the departments', PATIENCE_MS, async () => {
    const { departments } = await device.session();
    return departments.join() === 'north,west';
  });
  await press(page, 'Take back');
  await page.getByText('Not given.').waitFor();
  await until(
    'the departments',
    PATIENCE_MS,
    async () => (await device.session()).departments.join() === 'sales',
  );
});

test('an audience: who is connected to which node; and one of which nothing is known', async () => {
  await deviceOf('ann', 'desk');
  const { page } = await openView(browser, carillon, { view: 'users?audience=department:sales' });
  const part = page.locator('.part', { has: page.locator('#title-audience') });
  await until('the node', PATIENCE_MS, async () => {
    await part.getByRole('button', { name: 'Read again' }).click();
    return (await part.getByRole('rowheader').count()) === 1;
  });
  await saysWhatItKnows(page, '/admin/audiences');
  await part.getByRole('textbox', { name: 'Audience' }).fill('topic:unheard-of');
  await page.keyboard.press('Enter');
  await part.getByText('Nobody of topic:unheard-of is connected, and nothing was ever sent to it.').waitFor();
  await part.getByRole('textbox', { name: 'Audience' }).fill('nonsense');
  await page.keyboard.press('Enter');
  await part.getByRole('alert').filter({ hasText: 'bad_request' }).waitFor();
});

test('whoever may only look sees the user, and is told what it takes to act', async () => {
  await deviceOf('eve', 'desk');
  const { page } = await openView(browser, carillon, { view: 'users?user=eve', scope: 'admin:read' });
  await readUntil(page, async () => (await connected(page).count()) === 1);
  await page.getByText('To act needs the scope admin:users, which your token lacks.').waitFor();
  for (const name of ['Disconnect …', 'Revoke tokens …', 'Give', 'Take back'])
    expect(await page.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
});

test('a partition in which events wait and nobody takes them, and what is not known with its reason', async () => {
  const environment = {
    AMQP_URL: await freshVhost(),
    REDIS_URL: await freshRedis(),
    JWT_SECRET,
    CONSOLE: 'true',
    PARTITIONS: '2',
    CANARY_SECONDS: '0',
  };
  // It makes the queues, and goes.
  await (await startCarillon({ ...environment, ROLES: 'consumer' })).stop();
  const gateway = await startCarillon({ ...environment, ROLES: 'gateway' });
  onTestFinished(async () => void (await gateway.stop()));
  const producer = new Producer(environment.AMQP_URL, () => 'one key');
  await producer.publish(
    ...Array.from({ length: 3 }, (_, i) => madeEvent(`waits-${i}`, { audience: 'user:a' })),
  );
  await producer.close();
  const { page, faults } = await openView(browser, gateway, { view: 'queues' });
  await saysWhatItKnows(page, '/admin/queues');
  const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) });
  const partitions = row('partition of the events');
  await partitions.filter({ has: page.getByRole('cell', { name: '3', exact: true }) }).waitFor();
  expect(await partitions.count()).toBe(2);
  expect(await partitions.getByText('no consumer').count()).toBe(2);
  expect(await partitions.locator('[data-label="Lag"]').getByText('canary_off').count()).toBe(2);
  await row('carillon.dead').getByText('nobody takes from it').waitFor();

  await page.route('**/admin/queues', (route) =>
    route.fulfill({
      status: 503,
      json: { code: 'broker_unavailable', title: 'RabbitMQ is away.', detail: 'x', status: 503 },
    }),
  );
  await page.getByRole('button', { name: 'Read again' }).click();
  await page
    .getByRole('alert')
    .filter({ hasText: 'broker_unavailable' })
    .getByText('these are the last')
    .waitFor();
  expect(await partitions.count()).toBe(2);
  expect(faults.filter((fault) => !fault.includes('503'))).toEqual([]);
});

test('while the page is hidden, nothing is asked', async () => {
  const { page } = await openView(browser, carillon, { view: 'queues' });
  await page.clock.install();
  // The token stays in the tab.
  await page.reload();
  await page.getByText('Streaming').waitFor({ state: 'attached' });
  const asked: string[] = [];
  const hide = (state: string) =>
    page.evaluate(
      `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
       document.dispatchEvent(new Event('visibilitychange'));`,
    );
  await hide('hidden');
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (POLLED.includes(pathname)) asked.push(pathname);
  });
  await page.clock.runFor(60_000);
  expect(asked).toEqual([]);
  await hide('visible');
  await expect.poll(() => new Set(asked)).toEqual(new Set(POLLED));
});

test('in embedded mode each view says that it is not here, and how to get the same', async () => {
  const embedded = await startCarillon({});
  onTestFinished(async () => void (await embedded.stop()));
  const { page } = await openConsole(browser, embedded.url);
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.getByRole('link', { name: 'Operate' }).click();
  for (const name of ['Dead letters', 'Explain', 'Users', 'Queues']) {
    await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name }).click();
    await page.getByRole('heading', { name }).waitFor();
    await page.getByText(/^Not here: in embedded mode/).waitFor();
  }
  expect(asked.filter((path) => path.startsWith('/admin'))).toEqual([]);
  await page.getByRole('link', { name: 'Try', exact: true }).click();
  await page.getByRole('heading', { name: 'Send' }).waitFor();
});
