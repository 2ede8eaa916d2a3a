/** The source of quotes: an exchange's HTTP interface, made up. The same seed gives the same quotes. */
import { once } from 'node:events';
import { createServer } from 'node:http';

/** Prices in dollars by symbol. */
export type Quotes = Readonly<Record<string, number>>;

const OPENING: Quotes = { 'btc-usd': 91_450, 'eth-usd': 3_120 };

/** A step is at most this part of the price, up or down. */
const STEP = 0.0006;

/** Each `GET /` is one step further. */
export async function serveQuotes(seed: number) {
  const random = createRandom(seed);
  let quotes = OPENING;
  const server = createServer((_request, response) => {
    quotes = Object.fromEntries(
      Object.entries(quotes).map(([symbol, price]) => [symbol, step(price, random)]),
    );
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(quotes));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function step(price: number, random: () => number): number {
  return Math.round(price * (1 + STEP * (random() * 2 - 1)) * 100) / 100;
}

/** Mulberry32: a small generator of numbers from 0 to 1 that looks random enough. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
