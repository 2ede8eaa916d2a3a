/** The console's sending in a real browser: who rings, who would, and what is said where something is wrong. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CarillonProcess, startCarillon } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import {
  address,
  hasUnseen,
  openConnected,
  send,
  sendButton,
  shows,
  titles,
  titlesUpToNow,
} from './console-page.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

let browser: Browser;
let carillon: CarillonProcess;

beforeAll(async () => {
  const routes = 'routes: [{ type: shown.*, display: { title: { de: "{data.n}tes", en: "No. {data.n}" } } }]';
  const ROUTES_FILE = temporaryFile('routes.yaml', routes);
  [browser, carillon] = await Promise.all([launchChromium(), startCarillon({ ROUTES_FILE })]);
});

afterAll(async () => {
  await browser?.close();
  await carillon?.stop();
});

describe('what is sent rings', () => {
  test('on the devices of its audiences and on no others, and no request leaves the host', async () => {
    const opened = await openConnected(browser, carillon.url);
    const { page, ada, grace, hosts, faults } = opened;
    await send(page, 'For ada', 'user:ada');
    await shows(ada, 'For ada');
    await hasUnseen(ada, 1);
    await send(page, 'For engineering', 'department:engineering');
    await shows(grace, 'For engineering');
    await send(page, 'For both', 'user:ada', 'department:engineering');
    await Promise.all([shows(ada, 'For both'), shows(grace, 'For both')]);
    await hasUnseen(ada, 2);
    await hasUnseen(grace, 2);
    expect(await titlesUpToNow(opened)).toEqual({
      ada: ['For both', 'For ada'],
      grace: ['For both', 'For engineering'],
    });
    expect([...hosts]).toEqual([new URL(carillon.url).host]);
    expect(faults).toEqual([]);
  });

  test('for a topic only where it is subscribed to, and not any more after unsubscribing', async () => {
    const { page, ada, grace } = await openConnected(browser, carillon.url);
    await ada.getByRole('textbox', { name: 'Topic for ada' }).fill('news.today');
    await ada.getByRole('button', { name: 'Subscribe' }).click();
    await ada.getByRole('listitem').filter({ hasText: 'news.today' }).getByText('listening').waitFor();
    // Toasts are there for some seconds: they are looked for from the beginning.
    await Promise.all([
      ada.locator('.toast').getByText('Extra').waitFor(),
      ada.locator('.topic-heard').getByText('Extra').waitFor(),
      send(page, 'Extra', 'topic:news.today'),
    ]);
    expect(await grace.getByText('Extra').count()).toBe(0);
    await ada.getByRole('button', { name: 'Unsubscribe from news.today' }).click();
    await page.getByText('no device here rings').waitFor();
  });

  test('as a toast that is read aloud, and its text is only ever text', async () => {
    const { page, ada } = await openConnected(browser, carillon.url);
    await page.getByRole('radio', { name: 'critical' }).check();
    await page.getByRole('textbox', { name: 'Body' }).fill('<img src="/nothing"> & more');
    const log = ada.getByRole('log');
    await Promise.all([
      expect
        .poll(() => log.innerText())
        .toMatch(/critical, for ada:\s+<b>Bold<\/b>\s+<img src="\/nothing"> & more/),
      send(page, '<b>Bold</b>', 'user:ada'),
    ]);
    expect(await log.getAttribute('aria-live')).toBe('polite');
  });

  test('with nothing but the keyboard', async () => {
    const { page, ada } = await openConnected(browser, carillon.url);
    await page.getByRole('textbox', { name: 'Title' }).focus();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('Typed');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('and nothing else');
    await page.keyboard.press('Control+Enter');
    await shows(ada, 'Typed');
    await ada.locator('.notification-body').getByText('and nothing else').waitFor();
    await page.getByRole('textbox', { name: 'Title' }).focus();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('Typed again');
    await page.keyboard.press('Enter');
    await shows(ada, 'Typed again');
  });
});

describe('before it is sent', () => {
  test('it is said who would get it, and which devices here would ring', async () => {
    const { page } = await openConnected(browser, carillon.url);
    const preview = page.locator('.preview');
    await preview.getByText('rings 1 device here: ada (Laptop)').waitFor();
    await address(page, 'global');
    await preview.getByText('rings 2 devices here: ada (Laptop), grace (Phone)').waitFor();
    await address(page, 'user:nobody');
    await preview.getByText('no device here rings').waitFor();
  });

  test("what a route would show of it is said in the browser's language, with the route", async () => {
    const { page } = await openConnected(browser, carillon.url);
    await page.getByRole('radio', { name: 'CloudEvent' }).check();
    const text = page.getByRole('textbox', { name: 'CloudEvent, as JSON' });
    const event = JSON.parse(await text.inputValue());
    await text.fill(JSON.stringify({ ...event, type: 'shown.it', data: { n: 7 } }));
    await page.locator('.preview').getByText('as “No. 7” by route shown.*').waitFor();
  });

  test('the form and the text are the same event', async () => {
    const { page, ada } = await openConnected(browser, carillon.url);
    await page.getByRole('textbox', { name: 'Title' }).fill('From the form');
    await page.getByRole('radio', { name: 'CloudEvent' }).check();
    const text = page.getByRole('textbox', { name: 'CloudEvent, as JSON' });
    const event = JSON.parse(await text.inputValue());
    expect(event).toMatchObject({ audience: ['user:ada'], data: { title: 'From the form' } });
    await text.fill(JSON.stringify({ ...event, extra: 1, data: { title: 'From the text' } }));
    await page.getByRole('radio', { name: 'Form' }).check();
    expect(await page.getByRole('textbox', { name: 'Title' }).inputValue()).toBe('From the text');
    await page.getByRole('textbox', { name: 'Body' }).fill('and the form');
    await page.getByRole('radio', { name: 'CloudEvent' }).check();
    expect(JSON.parse(await text.inputValue())).toMatchObject({
      extra: 1,
      data: { title: 'From the text', body: 'and the form' },
    });
    await sendButton(page).click();
    await shows(ada, 'From the text');
  });
});

describe('what is wrong is said where it is, and what was typed stays', () => {
  test('bad JSON with its line, also from the form', async () => {
    const { page, ada, faults } = await openConnected(browser, carillon.url);
    await send(page, 'Before the bad one', 'user:ada');
    await page.getByRole('radio', { name: 'CloudEvent' }).check();
    const text = page.getByRole('textbox', { name: 'CloudEvent, as JSON' });
    const event = JSON.parse(await text.inputValue());
    const bad = '{\n  "specversion": "1.0"\n  "id": "1"\n}';
    await text.fill(bad);
    await page.getByText('Line 3, column 3: a comma or } is missing before this.').waitFor();
    expect(await text.getAttribute('aria-invalid')).toBe('true');
    await sendButton(page).click();
    expect(await text.inputValue()).toBe(bad);
    await page.getByRole('radio', { name: 'Form' }).check();
    await page.getByRole('alert').getByText('line 3').waitFor();
    expect(await page.getByRole('textbox', { name: 'Title' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Mend the text' }).click();
    expect(await text.inputValue()).toBe(bad);
    await text.fill(JSON.stringify({ ...event, data: { title: 'After the bad one' } }));
    await sendButton(page).click();
    await Promise.all([shows(ada, 'Before the bad one'), shows(ada, 'After the bad one')]);
    const all = await titles(ada);
    expect(all.slice(0, all.indexOf('Before the bad one'))).toEqual(['After the bad one']);
    expect(faults).toEqual([]);
  });

  test('an attribute of the text with its line', async () => {
    const { page } = await openConnected(browser, carillon.url);
    await page.getByRole('radio', { name: 'CloudEvent' }).check();
    const text = page.getByRole('textbox', { name: 'CloudEvent, as JSON' });
    const event = JSON.parse(await text.inputValue());
    await text.fill(JSON.stringify({ ...event, severity: 'loud' }, null, 2));
    await page.getByText(/^Line 9, severity: /).waitFor();
  });

  test('an unknown audience at its field', async () => {
    const { page, ada } = await openConnected(browser, carillon.url);
    await page.getByRole('textbox', { name: 'Title' }).fill('Kept');
    await page.getByRole('textbox', { name: 'Body' }).fill('Kept, too');
    await address(page, 'user:ada', 'user:a}b');
    const group = page.getByRole('group', { name: 'To' });
    await group.getByText('an id has no commas and no braces').waitFor();
    await sendButton(page).click();
    await page.locator('[data-outcome="refused"]').getByText('invalid_audience').waitFor();
    expect(await group.locator('[data-wrong="true"]').innerText()).toContain('a}b');
    expect(await page.getByRole('textbox', { name: 'Title' }).inputValue()).toBe('Kept');
    expect(await page.getByRole('textbox', { name: 'Body' }).inputValue()).toBe('Kept, too');
    await page.getByRole('button', { name: 'Remove user:a}b' }).click();
    await page.locator('.preview').getByText('rings 1 device').waitFor();
    await sendButton(page).click();
    await shows(ada, 'Kept');
    expect(await group.locator('.fault').innerText()).toBe('');
  });

  test('an event for nobody, and an expiry that is none', async () => {
    const { page } = await openConnected(browser, carillon.url);
    await address(page);
    await page.getByRole('group', { name: 'To' }).getByText('names no audience').waitFor();
    await address(page, 'user:ada');
    await page.getByText('More: type, source').click();
    await page.getByRole('textbox', { name: 'Expires' }).fill('soon');
    await page.getByText('must be an RFC 3339 timestamp').waitFor();
    const line = page.getByRole('textbox', { name: 'Expires' });
    expect(await line.getAttribute('aria-invalid')).toBe('true');
    await page.getByRole('button', { name: 'in an hour' }).click();
    await page.locator('.preview').getByText('rings 1 device').waitFor();
    await expect.poll(() => line.getAttribute('aria-invalid')).toBe('false');
  });
});

test('the same id again is a repeat, which rings nowhere', async () => {
  const opened = await openConnected(browser, carillon.url);
  const { page, ada } = opened;
  await page.getByText('More: type, source').click();
  await page.getByRole('textbox', { name: 'Id', exact: true }).fill(`kept-${Date.now()}`);
  await send(page, 'Once', 'user:ada');
  await shows(ada, 'Once');
  await page.getByRole('textbox', { name: 'Title' }).fill('Twice');
  await sendButton(page).click();
  await page.getByText('a repeat: delivered before').waitFor();
  await page.getByRole('checkbox', { name: /A new id for each event/ }).check();
  await page.getByRole('textbox', { name: 'Id', exact: true }).fill('another');
  const rung = (await titlesUpToNow(opened)).ada;
  expect(rung).toContain('Once');
  expect(rung).not.toContain('Twice');
});
