/** The stock ticker: a source of quotes, the service that publishes them, and a page that draws them as they come. */

import type { Environment } from '../support/service.ts';
import { type RunningStory, startStory } from '../support/story.ts';
import { produceQuotes } from './producer.ts';
import { serveQuotes } from './quotes.ts';

const SEED = 42;

export async function run(environment?: Environment): Promise<RunningStory> {
  const quotes = await serveQuotes(SEED);
  const story = await startStory({
    name: 'ticker',
    page: { claims: () => ({ topics: ['ticker.*'] }) },
    environment,
  });
  const stopProducing = produceQuotes(quotes.url, story.publish);
  return {
    url: story.pageUrl,
    async stop() {
      await stopProducing();
      await story.stop();
      await quotes.close();
    },
  };
}
