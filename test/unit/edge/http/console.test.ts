/** The console's HTTP side by itself: a live stream's silence, its end and its limits, and a page that was not built. */
import type { FastifyInstance } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Tick } from '../../../../src/contract/console.ts';
import { ClientAddresses } from '../../../../src/edge/connections/client-addresses.ts';
import { type LiveOptions, serveLive } from '../../../../src/edge/http/console/live.ts';
import { servePage } from '../../../../src/edge/http/console/page.ts';
import { createServer } from '../../../../src/edge/http/server.ts';
import type { Activity } from '../../../../src/observe/activity/activity.ts';
import { NO_COUNTS } from '../../../../src/observe/activity/batch.ts';
import { createLog } from '../../../../src/observe/log.ts';
import { askLive } from '../../../support/live-stream.ts';
import { until } from '../../../support/until.ts';

const TICK: Tick = { atMs: 1, counts: NO_COUNTS, connections: 2, latencyMs: null, samples: [], dropped: 0 };

class FakeActivity implements Activity {
  readonly listeners = new Set<(tick: Tick) => void>();
  readonly isWatched = true;
  record(): void {}
  setConnectionCount(): void {}
  close(): void {}
  watch(listener: (tick: Tick) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  tell(tick: Tick): void {
    for (const listener of this.listeners) listener(tick);
  }
}

async function serving(serve: (app: FastifyInstance) => void): Promise<string> {
  const log = createLog({ level: 'silent', redact: [] });
  const addresses = new ClientAddresses([]);
  const app = await createServer({
    title: '',
    description: '',
    bodyLimitBytes: 1_000,
    addresses,
    compresses: true,
    log,
  });
  serve(app);
  onTestFinished(() => app.close());
  return await app.listen({ host: '127.0.0.1', port: 0 });
}

async function live(options: Partial<LiveOptions> = {}) {
  const activity = new FakeActivity();
  const closing = new AbortController();
  const defaults = { activity, closing: closing.signal, checkMs: 60_000, stillMay: async () => true };
  const url = await serving((app) => serveLive(app, { ...defaults, ...options }));
  return { activity, closing, url };
}

async function read(response: Response, length: number): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes);
    if (text.length >= length) break;
  }
  return text;
}

describe('the live stream', () => {
  test('shows each tick', async () => {
    const { activity, url } = await live();
    const response = await askLive(url);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    activity.tell(TICK);
    const tick = `event: tick\ndata: ${JSON.stringify(TICK)}\n\n`;
    expect(await read(response, tick.length)).toBe(`:\n\n${tick}`);
  });

  test('ends when whoever watches may no longer, however much there is to tell', async () => {
    let may = true;
    const { activity, url } = await live({ checkMs: 50, stillMay: async () => may });
    const telling = setInterval(() => activity.tell(TICK), 5);
    onTestFinished(() => clearInterval(telling));
    const response = await askLive(url);
    await until('the watcher', 20_000, () => activity.listeners.size === 1);
    may = false;
    expect(await response.text()).toContain('event: tick');
    await until('nobody to watch', 20_000, () => activity.listeners.size === 0);
  });

  test('ends with the service, which then takes nobody more', async () => {
    const { activity, closing, url } = await live();
    const response = await askLive(url);
    await until('the watcher', 20_000, () => activity.listeners.size === 1);
    closing.abort();
    expect(await response.text()).toBe(':\n\n');
    expect((await askLive(url)).status).toBe(503);
    await until('nobody to watch', 20_000, () => activity.listeners.size === 0);
  });

  test('of whoever goes away nothing is left', async () => {
    const { activity, url } = await live();
    const leaving = new AbortController();
    await askLive(url, undefined, leaving.signal);
    await until('the watcher', 20_000, () => activity.listeners.size === 1);
    leaving.abort();
    await until('nobody to watch', 20_000, () => activity.listeners.size === 0);
  });

  test('whoever does not read is let go, and does not fill the memory', async () => {
    const { activity, url } = await live();
    const response = await askLive(url);
    await until('the watcher', 20_000, () => activity.listeners.size === 1);
    const large = { source: 'x'.repeat(100_000), id: '1', type: 't' };
    const tick: Tick = { ...TICK, samples: [{ stage: 'received', atMs: 1, node: 'n', event: large }] };
    await until('it to be let go', 20_000, () => {
      for (let i = 0; i < 10; i += 1) activity.tell(tick);
      return activity.listeners.size === 0;
    });
    // Cut off or ended, as far as it has come: it does not go on.
    await response.text().catch(() => undefined);
  });
});

test('a page that was not built says so', async () => {
  const url = await serving((app) =>
    servePage(app, { pagePath: '/', gatewayPort: () => null, files: new URL('file:///nowhere/') }),
  );
  const response = await fetch(url);
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('npm run build')]);
});

test('a stream that is asked for compressed comes at once all the same', async () => {
  const { activity, url } = await live();
  const response = await fetch(`${url}/console/live`, { headers: { 'accept-encoding': 'gzip, br' } });
  expect(response.headers.get('content-encoding')).toBeNull();
  activity.tell(TICK);
  expect(await read(response, 40)).toContain('event: tick');
});
