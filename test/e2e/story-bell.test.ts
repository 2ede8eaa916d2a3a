/** The example of the bell: two people, two bells, and what changes how they look and speak. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../examples/bell/story.ts';
import { type StoryStage, screenshotPath, stageStory, storyModes } from '../support/story.ts';

const PANEL_RADIUS = `getComputedStyle(
  document.querySelector('[data-user=grace]').shadowRoot.querySelector('.panel')).borderTopLeftRadius`;

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

  test('rings for those whom it is for, in their language and in the theme of the page', async () => {
    const { page, faults, hostnames } = await stage.open();
    const [ada, grace] = [page.locator('[data-user=ada]'), page.locator('[data-user=grace]')];
    const ring = async (audience: string, title: string) => {
      await page.locator('[name=audience]').selectOption(audience);
      await page.locator('[name=title]').fill(title);
      await page.getByRole('button', { name: 'Ring' }).click();
    };
    await page.waitForFunction(
      '[...document.querySelectorAll("carillon-bell")].every(({ client }) => client?.state.status === "connected")',
    );
    await ring('department:support', 'The queue is growing');
    await grace.getByRole('button', { name: 'Notifications, 1 new' }).waitFor();
    await ring('global', 'Maintenance at ten');
    await ada.getByRole('button', { name: 'Notifications, 1 new' }).waitFor();
    await grace.getByRole('button', { name: 'Notifications, 2 new' }).waitFor();

    await page.locator('[name=language]').selectOption('fr');
    await page.locator('[name=theme]').selectOption('sea');
    await page.locator('[name=scheme]').selectOption('dark');
    // The picture shows what stands still.
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await grace.getByRole('button', { name: 'nouvelles : 2' }).click();
    await grace.getByRole('dialog').getByText('Tout marquer comme lu').waitFor();
    expect(await page.evaluate(PANEL_RADIUS)).toBe('22px');
    await page.screenshot({ path: screenshotPath(`bell-${mode}`) });

    // A toast of it may still be there too.
    await grace.getByRole('dialog').getByRole('link', { name: 'Maintenance at ten' }).click();
    await page.getByText('Opened http').waitFor();
    await ada.getByRole('button', { name: 'nouvelles : 1' }).waitFor();
    expect(faults).toEqual([]);
    expect([...hostnames]).toEqual(['127.0.0.1']);
  });
});
