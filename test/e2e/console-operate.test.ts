/** The console's dead letters and explain, as an operator uses them: on RabbitMQ and Redis, with what lies there already. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { connectClient } from '../support/client.ts';
import { deadLetter, deadLetterOf, takeDeadLetters } from '../support/dead-letters.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';
import { openView, saysWhatItKnows } from './console-operator.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

/** A type as strangers may write it. */
const STRANGE = '<b>order</b>.lost';

let browser: Browser;
let amqpUrl: string;
let carillon: CarillonProcess;
let producer: Producer;

beforeAll(async () => {
  browser = await launchChromium();
  amqpUrl = await freshVhost();
  carillon = await startCarillon({
    AMQP_URL: amqpUrl,
    REDIS_URL: await freshRedis(),
    JWT_SECRET,
    CONSOLE: 'true',
    CANARY_SECONDS: '0',
  });
  producer = new Producer(amqpUrl);
});
afterAll(async () => {
  await browser?.close();
  await producer?.close();
  await carillon?.stop();
});

async function deviceOf(user: string) {
  const device = connectClient(carillon.url, await tokenFor(user), { auth: { device: 'desk' } });
  onTestFinished(() => device.close());
  await device.session();
  return device;
}

const rows = (page: Page) => page.locator('.letter-row');
const rowOf = (page: Page, event: string) => rows(page).filter({ hasText: event });
const select = (page: Page, event: string) => rowOf(page, event).getByRole('checkbox').check();
const report = (page: Page) => page.locator('.report');
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

describe('dead letters', () => {
  /** Puts these into the queue, and takes what is left of them out when the test ends. */
  async function lie(...letters: readonly ReturnType<typeof deadLetterOf>[]) {
    await deadLetter(amqpUrl, letters);
    onTestFinished(async () => void (await takeDeadLetters(amqpUrl)));
  }

  test('that lay there before are listed, shown, tried, sent again to a device, and discarded', async () => {
    const jan = await deviceOf('jan');
    const data = { title: 'At last', customer: 'ן' };
    await lie(
      deadLetterOf(
        madeEvent('lost-1', { type: STRANGE, audience: 'user:jan', data }),
        'no_audience',
        '2026-11-20T09:00:00.000Z',
      ),
      deadLetterOf(
        madeEvent('hopeless-1', { audience: 'user:,' }),
        'invalid_audience',
        '2026-11-20T09:00:01.000Z',
      ),
    );
    const { page, faults } = await openView(browser, carillon, { view: 'dead-letters' });
    await page.getByText('2 match', { exact: true }).waitFor();
    expect(await rows(page).locator('.letter-type').allInnerTexts()).toEqual([STRANGE, 'test.made']);
    await saysWhatItKnows(page, '/admin/dead-letters');

    await rowOf(page, 'lost-1').getByRole('link').click();
    const shown = page.getByRole('complementary', { name: STRANGE });
    await shown.getByText('made no_audience').waitFor();
    const body = shown.getByRole('textbox', { name: 'Body' });
    await expect.poll(() => body.inputValue()).toContain('"title": "At last"');
    await shown.getByText('application/cloudevents+json').waitFor();

    await select(page, 'lost-1');
    await select(page, 'hopeless-1');
    await press(page, 'Dry run');
    await report(page).getByText('Dry run of 2: 1 event would be sent again. Nothing was changed.').waitFor();
    await report(page).getByText('1 notification to 1 audience').waitFor();
    const fates = () => report(page).locator('.fates').getByRole('listitem').allInnerTexts();
    expect(await fates()).toEqual([
      expect.stringMatching(/lost-1\s+would be sent again/),
      expect.stringMatching(/hopeless-1\s+would stay: invalid_audience/),
    ]);
    expect(jan.notifications).toEqual([]);

    await press(page, 'Redrive');
    await report(page).getByText('1 event sent again.').waitFor();
    expect(await fates()).toEqual([
      expect.stringMatching(/lost-1\s+sent again/),
      expect.stringMatching(/hopeless-1\s+stays: invalid_audience/),
    ]);
    expect(await jan.received(1)).toMatchObject([{ id: 'lost-1', type: STRANGE, data }]);
    await page.getByText('1 matches', { exact: true }).waitFor();
    // What is looked at is gone, and that is said.
    await shown.getByText('not_found').waitFor();

    await page.getByRole('link', { name: 'Close and go back to the list' }).click();
    await select(page, 'hopeless-1');
    await press(page, 'Discard …');
    const question = page.getByRole('dialog', { name: 'Discard 1 dead letter for good?' });
    await question.getByText('hopeless-1').waitFor();
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    expect(await rows(page).count()).toBe(1);
    await press(page, 'Discard …');
    await question.getByRole('button', { name: 'Discard 1 dead letter' }).click();
    await report(page).getByText('1 dead letter discarded for good.').waitFor();
    await page.getByText('None matches.').waitFor();
    expect(await takeDeadLetters(amqpUrl)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('a filter stands in the address, and all that match are more than those shown', async () => {
    const many = Array.from({ length: 60 }, (_, i) =>
      deadLetterOf(
        madeEvent(`many-${i}`, { type: 'stock.empty', audience: 'user:nobody' }),
        'no_audience',
        `2026-11-20T10:00:${i < 10 ? '0' : ''}${i}.000Z`,
      ),
    );
    await lie(...many, deadLetterOf(madeEvent('other-1', { audience: 'user:nobody' }), 'expired'));
    const { page } = await openView(browser, carillon, { view: 'dead-letters?type=stock.*' });
    await page.getByText('60 match of 61 looked at').waitFor();
    expect(await rows(page).count()).toBe(50);
    await page.getByText('10 more match').waitFor();
    await press(page, 'Show more');
    await expect.poll(() => rows(page).count()).toBe(60);
    await page.reload();
    await page.getByText('10 more match').waitFor();

    await page.getByRole('checkbox', { name: 'All shown' }).check();
    await press(page, 'Select all 60 that match');
    await press(page, 'Discard …');
    await page
      .getByRole('dialog', { name: 'Discard 60 dead letters for good?' })
      .getByRole('button', { name: 'Discard 60 dead letters' })
      .click();
    await report(page).getByText('60 dead letters discarded for good.').waitFor();

    await page.getByRole('textbox', { name: 'Type' }).fill('');
    await page.getByRole('textbox', { name: 'Reason' }).fill('expired');
    await press(page, 'Filter');
    await rowOf(page, 'other-1').waitFor();
    expect(new URL(page.url()).hash).toBe('#dead-letters?reason=expired');
  });

  test('whoever may only look sees them, and is told what it takes to act', async () => {
    await lie(deadLetterOf(madeEvent('seen-1'), 'no_audience'));
    const { page } = await openView(browser, carillon, { view: 'dead-letters', scope: 'admin:read' });
    await select(page, 'seen-1');
    await page.getByText('To act needs the scope admin:dead-letters, which your token lacks.').waitFor();
    for (const name of ['Dry run', 'Redrive', 'Discard …'])
      expect(await page.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
  });

  test('what the service refuses is said at its place, and nothing is shown as none', async () => {
    const { page } = await openView(browser, carillon, { view: 'live' });
    await page.getByText('Streaming').waitFor();
    const busy = {
      code: 'dead_letters_busy',
      title: 'Somebody else has them.',
      detail: 'try again',
      status: 503,
    };
    await page.route('**/admin/dead-letters?*', (route) => route.fulfill({ status: 503, json: busy }));
    await page.getByRole('link', { name: 'Operate' }).click();
    await page.getByRole('alert').filter({ hasText: 'dead_letters_busy' }).waitFor();
    await page.unroute('**/admin/dead-letters?*');
    await page.route('**/admin/dead-letters?*', (route) => route.abort());
    await press(page, 'Read again');
    await page.getByRole('alert').filter({ hasText: 'no_connection' }).waitFor();
    await page.getByText('Not read yet').waitFor();
    expect(await page.getByText('None matches.').count()).toBe(0);
    await page.unroute('**/admin/dead-letters?*');
    await press(page, 'Read again');
    await page.getByText('None matches.').waitFor();
  });
});

describe('explain', () => {
  const verdict = (page: Page) => page.locator('.verdict');
  const steps = (page: Page) =>
    page
      .getByRole('list', { name: /^Steps/ })
      .locator('b')
      .allInnerTexts();

  test('of an event that a device has, from the live view, step by step', async () => {
    const device = await deviceOf('kim');
    const { page, faults } = await openView(browser, carillon, { view: 'live' });
    await page.getByText('Streaming').waitFor();
    await producer.publish(madeEvent('had-1', { audience: 'user:kim', data: { title: '<i>כותרת</i>' } }));
    await device.received(1);
    await page.getByRole('link', { name: 'Explain had-1' }).click();
    await verdict(page).getByText('Delivered').waitFor();
    await verdict(page).getByText('A device of the user has it.').waitFor();
    await verdict(page).getByText('“<i>כותרת</i>”').waitFor();
    expect(await steps(page)).toEqual(['Received', 'Mapped', 'Shown as', 'Appended', 'Device']);
    await page.getByText(/^desk on .*: was connected and was sent it$/).waitFor();
    await saysWhatItKnows(page, '/admin/explain');
    expect(faults).toEqual([]);
  });

  test('of an event that nobody has come for, by a link from elsewhere', async () => {
    await producer.publish(madeEvent('kept-1', { audience: 'user:away' }));
    const { page } = await openView(browser, carillon, { view: 'live' });
    await expect
      .poll(
        async () => {
          await page.goto(`${carillon.opsUrl}/console/#explain?event=kept-1&user=away`);
          await page.reload();
          await verdict(page).waitFor();
          return await verdict(page).innerText();
        },
        { timeout: 60_000 },
      )
      .toContain('It is in the inbox; no device of the user has come for it yet.');
    expect(await steps(page)).toEqual(['Received', 'Mapped', 'Shown as', 'Appended']);
    await page.getByRole('link', { name: 'User away' }).click();
    await page.getByText('Nothing is known of away').waitFor();
  });

  test('of a dead letter, from its body to the user whom it was for', async () => {
    await producer.publish(madeEvent('dead-1', { audience: ['user:lee', 'a b'] }));
    onTestFinished(async () => void (await takeDeadLetters(amqpUrl)));
    const { page } = await openView(browser, carillon, { view: 'dead-letters' });
    await expect
      .poll(
        async () => {
          await press(page, 'Read again');
          return await rowOf(page, 'dead-1').count();
        },
        { timeout: 60_000 },
      )
      .toBe(1);
    await rowOf(page, 'dead-1').getByRole('link').click();
    await page.getByRole('link', { name: 'Explain this event' }).click();
    await verdict(page).getByText('It could not be delivered and is a dead letter.').waitFor();
    expect(await steps(page)).toEqual(['Received', 'Dead letter']);
    await page.getByRole('link', { name: 'Dead letters of this source' }).click();
    await rowOf(page, 'dead-1').waitFor();
  });

  test('of an id that two sources use: they are offered', async () => {
    const device = await deviceOf('max');
    await producer.publish(
      madeEvent('twice-1', { audience: 'user:max' }),
      madeEvent('twice-1', { audience: 'user:max', source: '/other' }),
    );
    await device.received(2);
    const { page } = await openView(browser, carillon, { view: 'explain?event=twice-1' });
    await page.getByRole('textbox', { name: 'User' }).fill('max');
    await page.keyboard.press('Enter');
    await page.getByText('Events of several sources have this id.').waitFor();
    await page.getByRole('link', { name: '/other' }).click();
    await verdict(page).getByText('Delivered').waitFor();
    await page.locator('.verdict-links').getByText('/other').waitFor();
  });
});
