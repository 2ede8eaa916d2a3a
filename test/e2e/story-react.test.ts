/** The example of the React hooks: an inbox that is marked, another user's, and a topic beside it. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../examples/react/story.ts';
import { type StoryStage, screenshotPath, stageStory, storyModes } from '../support/story.ts';

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

describe.for(storyModes)('%s', (mode) => {
  let stage: StoryStage;

  beforeAll(async () => {
    stage = await stageStory(run, mode);
  });

  afterAll(async () => {
    await stage?.stop();
  });

  test('lists, marks and archives, and hears the news', async () => {
    const { page, faults, hostnames } = await stage.open();
    await page.locator('[data-state=connected]').waitFor();
    await page.getByRole('button', { name: 'Ship an order of ada' }).click();
    await page.getByText('Order 1001 has shipped').waitFor();
    await page.getByRole('heading', { name: 'Inbox, 1 unread' }).waitFor();
    await page.getByRole('button', { name: 'Read', exact: true }).click();
    await page.getByRole('heading', { name: 'Inbox, 0 unread' }).waitFor();
    await page.getByRole('region', { name: 'News' }).getByRole('listitem').first().waitFor();
    await page.screenshot({ path: screenshotPath(`react-${mode}`), fullPage: true });

    await page.getByRole('button', { name: 'grace', exact: true }).click();
    await page.getByText('Nothing here yet.').waitFor();
    await page.getByRole('button', { name: 'ada', exact: true }).click();
    await page.getByRole('button', { name: 'Archive' }).click();
    await page.getByText('Nothing here yet.').waitFor();
    expect(faults).toEqual([]);
    expect([...hostnames]).toEqual(['127.0.0.1']);
  });
});
