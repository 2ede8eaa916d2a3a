/** The chat's story: two people in a room, each with a browser of their own, and one who comes later. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../examples/chat/story.ts';
import type { Login } from '../../examples/support/page.ts';
import { connect } from '../../src/clients/client/connect.ts';
import { type StoryStage, screenshotPath, stageStory, storyModes } from '../support/story.ts';

/** Less than a test may take. */
const IN_TIME = { timeout: 40_000 };

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

describe.for(storyModes)('the chat, %s', (mode) => {
  let stage: StoryStage;

  beforeAll(async () => {
    stage = await stageStory(run, mode);
  });
  afterAll(async () => {
    await stage?.stop();
  });

  async function enter(name: string, room: string, options = {}) {
    const { page, faults } = await stage.open(`/?${new URLSearchParams({ name, room })}`, options);
    await page.locator('[data-state="connected"]').waitFor();
    return { page, faults, field: page.getByRole('textbox', { name: 'Message' }) };
  }

  type Window = Awaited<ReturnType<typeof enter>>;

  async function say({ page, field }: Window, text: string): Promise<void> {
    await field.fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
  }

  /** Without the page. */
  async function publishAs(user: string, topic: string, type: string, ...bodies: readonly string[]) {
    const response = await fetch(`${stage.url}/login?user=${user}`);
    const { url, token }: Login = await response.json();
    const client = connect({ url, token: () => token });
    for (const body of bodies) await client.publish(topic, { type, data: { body, source: '/chat-service' } });
    client.close();
  }

  /** Everything in the room, in its order, without what is still on its way. */
  const room = (page: Page) => page.locator('#log li:not(.pending) p').allTextContents();
  const shows = (page: Page, ...lines: readonly string[]) =>
    expect.poll(() => room(page), IN_TIME).toEqual(lines);

  test('what one says the other sees, and who joins and leaves is said', async () => {
    const ada = await enter('ada', 'lobby');
    await shows(ada.page, 'ada joined');
    const grace = await enter('grace', 'lobby');
    await shows(grace.page, 'ada joined', 'grace joined');

    await say(ada, 'Has the new bell rung yet?');
    await shows(grace.page, 'ada joined', 'grace joined', 'Has the new bell rung yet?');
    await say(grace, 'Twice, while you were at lunch.');
    await say(grace, 'It can be heard in the canteen, too.');
    const said = [
      'Has the new bell rung yet?',
      'Twice, while you were at lunch.',
      'It can be heard in the canteen, too.',
    ];
    await shows(ada.page, 'ada joined', 'grace joined', ...said);
    expect(await ada.page.locator('.own p').allTextContents()).toEqual(said.slice(0, 1));
    expect(await ada.page.locator('[data-author="grace"] p').allTextContents()).toEqual(said.slice(1));
    await ada.page.setViewportSize({ width: 800, height: 640 });
    await ada.page.screenshot({ path: screenshotPath('chat') });

    await grace.page.context().close();
    await shows(ada.page, 'ada joined', 'grace joined', ...said, 'grace left');
    expect([...ada.faults, ...grace.faults]).toEqual([]);
  });

  test('who comes later sees the last 50', async () => {
    const lines = Array.from({ length: 56 }, (_, i) => `line ${i + 1}`);
    // A few each: a client may not send more than its allowance.
    for (let i = 0; i < lines.length; i += 14) {
      await publishAs('ada', 'chat.archive', 'chat.message', ...lines.slice(i, i + 14));
    }
    const linus = await enter('linus', 'archive');
    await expect.poll(async () => (await room(linus.page)).at(-1), IN_TIME).toBe('linus joined');
    const shown = await room(linus.page);
    // The service says it as soon as the room is entered: then it may be one of the 50.
    expect([50, 51]).toContain(shown.length);
    expect(shown).toEqual([...lines, 'linus joined'].slice(-shown.length));
  });

  test('keeps what was typed while the connection is down, and says so', async () => {
    const ada = await enter('ada', 'tunnel');
    await shows(ada.page, 'ada joined');
    await ada.page.context().setOffline(true);
    await ada.page.locator('[data-state="waiting"]', { hasText: /trying again/ }).waitFor();
    await say(ada, 'Can you hear me?');
    await ada.page.getByText('What you type stays here').waitFor();
    expect(await ada.field.inputValue()).toBe('Can you hear me?');
    expect(await room(ada.page)).toEqual(['ada joined']);
    await ada.page.screenshot({ path: screenshotPath('chat-offline') });

    await ada.page.context().setOffline(false);
    await ada.page.locator('[data-state="connected"]').waitFor();
    expect(await ada.field.inputValue()).toBe('Can you hear me?');
    await ada.page.reload();
    await ada.page.locator('[data-state="connected"]').waitFor();
    expect(await ada.field.inputValue()).toBe('Can you hear me?');
    await ada.field.press('Enter');
    await expect.poll(() => room(ada.page), IN_TIME).toContain('Can you hear me?');
    expect(await ada.field.inputValue()).toBe('');
  });

  test('shows hostile text as text, and nobody can speak for the service', async () => {
    const ada = await enter('ada', 'strangers');
    const eve = await enter('eve', 'strangers', {
      viewport: { width: 360, height: 640 },
      colorScheme: 'dark',
    });
    const hostile = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
    await say(eve, hostile);
    await say(eve, 'a-word-without-an-end'.repeat(8));
    // The next one comes by another connection, and would overtake these.
    await expect.poll(() => room(ada.page), IN_TIME).toContain('a-word-without-an-end'.repeat(8));
    await publishAs('eve', 'chat.strangers', 'chat.joined', 'grace joined');
    await expect.poll(() => room(ada.page), IN_TIME).toContain('grace joined');
    expect(await room(ada.page)).toContain(hostile);
    expect(await ada.page.locator('#log img, #log script').count()).toBe(0);
    expect(await ada.page.title()).toBe('Chat');
    // It is shown as what eve says, not as what happens in the room.
    expect(await ada.page.locator('.system', { hasText: 'grace joined' }).count()).toBe(0);
    expect(await ada.page.locator('[data-author="eve"] p').last().textContent()).toBe('grace joined');
    expect(await eve.page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await eve.page.screenshot({ path: screenshotPath('chat-phone') });
  });

  test('asks who has no name yet', async () => {
    const { page } = await stage.open();
    await page.getByRole('textbox', { name: 'Your name' }).fill('ada');
    await page.getByRole('textbox', { name: 'Room' }).fill('door');
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByText('You are ada, in the room door.').waitFor();
    await shows(page, 'ada joined');
  });

  test('says what is wrong with a name, and keeps it', async () => {
    const { page } = await stage.open(`/?${new URLSearchParams({ name: '<b>', room: 'door' })}`);
    await page.getByText('"<b>" is no name').waitFor();
    expect(await page.getByRole('textbox', { name: 'Your name' }).inputValue()).toBe('<b>');
    expect(await page.getByRole('textbox', { name: 'Room' }).inputValue()).toBe('door');
  });
});
