/** Stories as their visitors see them: the embedded or the real Carillon below, and a browser that notices faults. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import type { Run } from '../../examples/support/story.ts';
import { launchChromium } from './chromium.ts';
import { type PageWatch, watchPage } from './page-watch.ts';
import { startRedis } from './redis.ts';
import { freshVhost } from './servers.ts';

export const storyModes = ['embedded', 'real'] as const;
export type StoryMode = (typeof storyModes)[number];

/** Less than a test may take, so that it is said what was waited for. */
const PAGE_TIMEOUT_MS = 40_000;

interface StoryPage extends Pick<PageWatch, 'faults' | 'hostnames'> {
  readonly page: Page;
}

export interface StoryStage {
  readonly url: string;
  readonly browser: Browser;
  /** In a browser context of its own, as on another device. Closed after the test. */
  open(path?: string, options?: BrowserContextOptions): Promise<StoryPage>;
  stop(): Promise<void>;
}

/** What a story's `run` finds in the environment. The caller MUST call `stop` after the story has stopped. */
async function storyEnvironment(mode: StoryMode) {
  if (mode === 'embedded') return { environment: {}, stop: async () => {} };
  // A Redis of its own: databases of the shared one have their channels in common, and stories the names of topics.
  const [redis, amqpUrl] = await Promise.all([startRedis(), freshVhost()]);
  return { environment: { AMQP_URL: amqpUrl, REDIS_URL: redis.url }, stop: () => redis.stop() };
}

/** The story with its page; the caller MUST stop it. */
export async function stageStory(run: Run, mode: StoryMode): Promise<StoryStage> {
  const [servers, browser] = await Promise.all([storyEnvironment(mode), launchChromium()]);
  const story = await run(servers.environment).catch(async (error) => {
    await Promise.all([browser.close(), servers.stop()]);
    throw error;
  });
  return {
    url: story.url,
    browser,
    open: (path = '', options = {}) => openPage(browser, new URL(path, story.url).href, options),
    async stop() {
      await browser.close();
      await story.stop();
      await servers.stop();
    },
  };
}

async function openPage(browser: Browser, url: string, options: BrowserContextOptions): Promise<StoryPage> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(PAGE_TIMEOUT_MS);
  const { faults, hostnames } = watchPage(page);
  await page.goto(url);
  return { page, faults, hostnames };
}

/** Where the screenshots of stories are kept. */
export function screenshotPath(name: string): string {
  return new URL(`../artifacts/story-${name}.png`, import.meta.url).pathname;
}
