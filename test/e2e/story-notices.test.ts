/** The company's notices: each person gets what is theirs, live or after they come back, and after a move what is theirs then. */
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../examples/notices/story.ts';
import { seriousIn } from '../support/axe.ts';
import { type StoryStage, screenshotPath, stageStory, storyModes } from '../support/story.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

describe.for(storyModes)('notices, %s', (mode) => {
  let stage: StoryStage;

  beforeAll(async () => {
    stage = await stageStory(run, mode);
  });
  afterAll(async () => {
    await stage?.stop();
  });

  const users = ['ada', 'ben', 'chen', 'dora'] as const;
  type User = (typeof users)[number];

  /** The intranet with everybody online. */
  async function openIntranet(options = {}) {
    const { page, faults, hostnames } = await stage.open('', options);
    const card = (user: User) => page.locator(`[data-user="${user}"]`);
    const isIn = (user: User, state: string) => card(user).locator(`[data-state="${state}"]`).waitFor();
    for (const user of users) await isIn(user, 'connected');
    return {
      page,
      faults,
      hostnames,
      card,
      async switch(user: User, state: 'connected' | 'closed') {
        await card(user).locator('footer button').click();
        await isIn(user, state);
      },
      async send(to: string, title: string) {
        await page.getByRole('combobox', { name: 'To' }).selectOption(to);
        await page.getByRole('textbox', { name: 'What' }).fill(title);
        await page.getByRole('button', { name: 'Send' }).click();
        await rowOf(page.locator('tbody'), title).waitFor();
      },
      /** What the table says of each person, in the order of `users`. */
      ways: (title: string) =>
        rowOf(page.locator('tbody'), title)
          .locator('td')
          .evaluateAll((cells) => cells.map((cell) => cell.getAttribute('data-way'))),
    };
  }

  const rowOf = (body: Locator, title: string) => body.getByRole('row').filter({ hasText: title });

  test('everybody, a department, one person: each gets what is theirs, at once', async () => {
    const { send, ways, card, faults, hostnames } = await openIntranet();
    await send('global', 'The roof is open');
    await expect.poll(() => ways('The roof is open')).toEqual(['live', 'live', 'live', 'live']);
    await send('department:sales', 'Sales in room 2');
    await expect.poll(() => ways('Sales in room 2')).toEqual(['live', 'live', 'none', 'none']);
    await send('user:chen', 'A parcel for Chen');
    await expect.poll(() => ways('A parcel for Chen')).toEqual(['none', 'none', 'live', 'none']);

    // Two for Chen and one for Dora, and what is for one is not for the other.
    for (const [user, count] of [
      ['ada', '2'],
      ['chen', '2'],
      ['dora', '1'],
    ] as const) {
      const badge = card(user).locator('carillon-bell .badge');
      await expect.poll(() => badge.textContent()).toBe(count);
    }
    expect([...hostnames]).toEqual(['127.0.0.1']);
    expect(faults).toEqual([]);
  });

  test('who is offline gets it afterwards, and nothing that is not theirs', async () => {
    const intranet = await openIntranet();
    const { send, ways } = intranet;
    await intranet.switch('ben', 'closed');
    await send('department:sales', 'New prices');
    await send('department:support', 'New shifts');
    await send('user:ben', 'Call back, please');
    await expect.poll(() => ways('New prices')).toEqual(['live', 'waiting', 'none', 'none']);
    await expect.poll(() => ways('New shifts')).toEqual(['none', 'none', 'live', 'none']);
    await intranet.switch('ben', 'connected');
    await expect.poll(() => ways('Call back, please')).toEqual(['none', 'afterwards', 'none', 'none']);
    await expect.poll(() => ways('New prices')).toEqual(['live', 'afterwards', 'none', 'none']);
    expect(await ways('New shifts')).toEqual(['none', 'none', 'live', 'none']);
    await send('department:sales', 'And live again');
    await expect.poll(() => ways('And live again')).toEqual(['live', 'live', 'none', 'none']);
    expect(intranet.faults).toEqual([]);
  });

  test('who is moved hears the new department at once, and the old one no more', async () => {
    const { send, ways, card, faults } = await openIntranet();
    const department = card('dora').getByLabel('Department');
    await department.selectOption('support');
    // As Carillon says it, on the same connection.
    await expect.poll(() => card('dora').getAttribute('data-department')).toBe('support');
    await send('department:support', 'Welcome, Dora');
    await expect.poll(() => ways('Welcome, Dora')).toEqual(['none', 'none', 'live', 'live']);
    await send('department:warehouse', 'Count the boxes');
    await send('user:dora', 'Your new desk');
    await expect.poll(() => ways('Your new desk')).toEqual(['none', 'none', 'none', 'live']);
    expect(await ways('Count the boxes')).toEqual(['none', 'none', 'none', 'none']);

    await department.selectOption('warehouse');
    await expect.poll(() => card('dora').getAttribute('data-department')).toBe('warehouse');
    await send('department:warehouse', 'Dora is back');
    await expect.poll(() => ways('Dora is back')).toEqual(['none', 'none', 'none', 'live']);
    // In the same log and before what she has now: it will not come any more.
    expect(await ways('Count the boxes')).toEqual(['none', 'none', 'none', 'none']);
    expect(faults).toEqual([]);
  });

  test('what the office forgot is said, and what it typed stays', async () => {
    const { page, send, ways } = await openIntranet();
    await page.getByRole('combobox', { name: 'To' }).selectOption('user:ada');
    await page.getByRole('textbox', { name: 'What' }).fill('  ');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('alert').filter({ hasText: 'say what it is about' }).waitFor();
    expect(await page.getByRole('combobox', { name: 'To' }).inputValue()).toBe('user:ada');
    await send('user:ada', 'Now it is said');
    await expect.poll(() => ways('Now it is said')).toEqual(['live', 'none', 'none', 'none']);
    expect(await page.getByRole('alert').textContent()).toBe('');
  });

  test('fits into 360 pixels, is there in the dark, and has nothing that axe finds serious', async () => {
    const intranet = await openIntranet({ viewport: { width: 1180, height: 700 } });
    const { page, send, ways } = intranet;
    await send('global', 'The network is down from 18:00 to 19:00');
    await intranet.switch('ben', 'closed');
    await send('department:sales', 'Team meeting at 14:00 in room 2');
    await intranet.switch('ben', 'connected');
    await expect.poll(() => ways('Team meeting')).toEqual(['live', 'afterwards', 'none', 'none']);
    await intranet.switch('dora', 'closed');
    await send('user:chen', 'Your new badge is at the front desk');
    await send('global', 'The canteen opens at noon');
    await expect.poll(() => ways('The canteen')).toEqual(['live', 'live', 'live', 'waiting']);
    expect(await seriousIn(page)).toEqual([]);
    await page.screenshot({ path: screenshotPath('notices'), fullPage: true });
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await seriousIn(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await page.screenshot({ path: screenshotPath('notices-phone'), fullPage: true });
  });
});
