/** The service that asks the source for quotes and publishes each one to its symbol's topic. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Story } from '../support/story.ts';
import type { Quotes } from './quotes.ts';

const POLL_MS = 500;

/** A quote is worth nothing afterwards: Carillon does not deliver it any more. */
const USEFUL_MS = 5 * 60_000;

/** What it returns ends it, once what was begun is published. */
export function produceQuotes(quotesUrl: string, publish: Story['publish']): () => Promise<void> {
  const stopping = new AbortController();
  const done = (async () => {
    while (!stopping.signal.aborted) {
      // One after the other, and not by an interval: a slow answer must not let a later quote overtake it.
      await publishQuotes(quotesUrl, publish).catch((error) => console.error(`no quotes: ${error}`));
      await pause(POLL_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return async () => {
    stopping.abort();
    await done;
  };
}

async function publishQuotes(quotesUrl: string, publish: Story['publish']): Promise<void> {
  const response = await fetch(quotesUrl);
  const quotes: Quotes = await response.json();
  await Promise.all(
    Object.entries(quotes).map(([symbol, price]) => {
      const now = Date.now();
      return publish({
        type: 'ticker.quote',
        audience: `topic:ticker.${symbol}`,
        time: new Date(now).toISOString(),
        expirytime: new Date(now + USEFUL_MS).toISOString(),
        collapsekey: symbol,
        data: { symbol, price },
      });
    }),
  );
}
