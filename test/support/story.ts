/** Shows stories as their visitors see them, on the embedded or the real Carillon, in a browser that records faults. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import type { Run } from '../../examples/support/story.ts';
import { launchChromium } from './chromium.ts';
import { type PageWatch, watchPage } from './page-watch.ts';
import { startRedis } from './redis.ts';
import { freshVhost } from './servers.ts';

export const storyModes = ['embedded', 'real'] as const;
export type StoryMode = (typeof storyModes)[number];

/** Shorter than a test may take, so that the error names what the test was waiting for. */
const PAGE_TIMEOUT_MS = 40_000;

interface StoryPage extends Pick<PageWatch, 'faults' | 'hostnames'> {
  readonly page: Page;
}

export interface StoryStage {
  readonly url: string;
  readonly browser: Browser;
  /** Opens a page in a browser context of its own, as on another device. It is closed after the test. */
  open(path?: string, options?: BrowserContextOptions): Promise<StoryPage>;
  stop(): Promise<void>;
}

/** The environment for a story's `run`. The caller MUST call `stop` after the story has stopped. */
async function storyEnvironment(mode: StoryMode) {
  if (mode === 'embedded') return { environment: {}, stop: async () => {} };
  // Stories need a Redis of their own: the databases of the shared one have their channels in common, and stories use
  // the same topic names.
  const [redis, amqpUrl] = await Promise.all([startRedis(), freshVhost()]);
  return { environment: { AMQP_URL: amqpUrl, REDIS_URL: redis.url }, stop: () => redis.stop() };
}

/** Starts the story and a browser. The caller MUST stop it. */
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

/** The path of a story's screenshot. */
export function screenshotPath(name: string): string {
  return new URL(`../artifacts/story-${name}.png`, import.meta.url).pathname;
}
