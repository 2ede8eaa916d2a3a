/** Two gateways are restarted one after the other under 2,000 clients: nobody misses anything, and there is no storm. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type CarillonProcess, tokenFor } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import { LightClient } from '../support/light-client.ts';
import { freePort } from '../support/ports.ts';
import { Producer } from '../support/producer.ts';
import { queueDepth } from '../support/queue-depth.ts';
import { freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { type FaultStack, metric, startFaultStack } from './fault-stack.ts';
import { lineOf } from './trial.ts';

const CLIENTS = 2_000;
const CONNECTING_AT_ONCE = 100;
const DRAIN_SECONDS = 10;
/**
 * Of the mean rate, clients ÷ DRAIN_SECONDS. What the clients are told is a matter of chance alone; were they all sent
 * away at once, it would be twice the mean. When they come depends on how busy the machine is, too.
 */
const MOST_TOLD = 1.5;
const MOST_COME = 3;
const SECOND_MS = 1_000;
const SAMPLE_EVERY_MS = 100;
const LATE_SAMPLE_MS = 500;
const PUBLISH_EVERY_MS = 500;
const USERS_A_BATCH = 10;
const TIMEOUT_MS = 120_000;

let stack: FaultStack;
let producer: Producer;
let clients: LightClient[] = [];

beforeAll(async () => {
  stack = await startFaultStack(await freshVhost());
  producer = new Producer(stack.amqpUrl);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await producer.close();
  await stack.stop();
});

/** The most of these moments that fall into one second. */
function mostInASecond(moments: readonly number[]): number {
  const sorted = moments.toSorted((a, b) => a - b);
  let first = 0;
  return sorted.reduce((most, moment, last) => {
    while (moment - (sorted[first] ?? 0) >= SECOND_MS) first += 1;
    return Math.max(most, last - first + 1);
  }, 0);
}

const accepted = (gateway: CarillonProcess) => metric(gateway, 'carillon_connections_total', 'accepted');

/**
 * Looks at the counter of connections until it is stopped; what is returned then is its highest rate in a second. What
 * comes all at once because the machine stood still was not told to: seconds with a late look are left out, and those
 * behind them.
 */
function watchRate(gateway: CarillonProcess): () => Promise<number> {
  const samples: { atMs: number; count: number }[] = [];
  let isWatching = true;
  const watching = (async () => {
    while (isWatching) {
      samples.push({ count: await accepted(gateway), atMs: performance.now() });
      await pause(SAMPLE_EVERY_MS);
    }
  })();
  return async () => {
    isWatching = false;
    await watching;
    const late = samples.flatMap(({ atMs }, i) =>
      atMs - (samples[i - 1]?.atMs ?? atMs) > LATE_SAMPLE_MS ? [atMs] : [],
    );
    const rates = samples.flatMap(({ atMs, count }, i) => {
      const later = samples.slice(i).find((sample) => sample.atMs - atMs >= SECOND_MS);
      if (later === undefined) return [];
      if (late.some((lateMs) => lateMs > atMs - SECOND_MS && lateMs <= later.atMs)) return [];
      return [((later.count - count) * SECOND_MS) / (later.atMs - atMs)];
    });
    return Math.max(0, ...rates);
  };
}

test(`a rolling restart of two gateways with ${CLIENTS} clients`, { timeout: 300_000 }, async () => {
  const ports = [String(await freePort()), String(await freePort())];
  const start = (PORT: string) =>
    stack.startGateway({ PORT, DRAIN_SECONDS: String(DRAIN_SECONDS), SHUTDOWN_TIMEOUT: '30' });
  let [leaving, staying] = await Promise.all([start(ports[0] ?? ''), start(ports[1] ?? '')]);
  const urls = [leaving.url, staying.url];
  const users = Array.from({ length: CLIENTS }, (_, i) => `restart-${i}`);
  const tokens = await Promise.all(users.map((user) => tokenFor(user, { departments: ['restart'] })));
  for (const [i, token] of tokens.entries()) {
    clients.push(new LightClient(i % 2 === 0 ? urls : urls.toReversed(), token));
    if (i % CONNECTING_AT_ONCE > 0) continue;
    await until('sessions', TIMEOUT_MS, () => clients.every(({ isConnected }) => isConnected));
  }
  const areAllAt = (url: string) => clients.every((client) => client.isConnected && client.url === url);
  await until('all sessions', TIMEOUT_MS, () => clients.every(({ isConnected }) => isConnected));

  const checker = new Checker();
  let published = 0;
  const publish = async () => {
    const some = Array.from(
      { length: USERS_A_BATCH },
      (_, i) => users[(published * 7 + i * 13) % CLIENTS] ?? '',
    );
    await producer.publish(
      checker.next('department:restart'),
      ...some.map((user) => checker.next(`user:${user}`)),
    );
    published += 1 + USERS_A_BATCH;
  };
  let isFlowing = true;
  const flowing = (async () => {
    while (isFlowing) {
      const next = pause(PUBLISH_EVERY_MS);
      await publish();
      await next;
    }
  })();
  flowing.catch(() => {});

  for (const port of ports) {
    const before = await metric(leaving, 'carillon_connected_sockets');
    const heard = clients.map(({ goaways }) => goaways.length);
    const toldAll = () => clients.flatMap(({ goaways }, i) => goaways.slice(heard[i]));
    const told = () => toldAll().filter(({ code }) => code === 'shutting_down');
    const highestRate = watchRate(staying);
    leaving.signal('SIGTERM');
    await until('the first goaway', TIMEOUT_MS, () => told().length > 0);
    const refused = await fetch(`${leaving.url}/socket.io/?EIO=4&transport=polling`);
    expect(refused.status).toBe(503);
    // Proxies ask the other node then.
    expect(await upgradeError(leaving.url)).toMatch(/response: 503/);
    expect(await metric(leaving, 'carillon_connections_total', 'code="shutting_down"')).toBeGreaterThan(0);
    // It refuses while it still has clients, not only behind them; how many, is a matter of how quickly it was asked.
    expect(await metric(leaving, 'carillon_connected_sockets')).toBeGreaterThan(0);
    const exitCode = await leaving.exited;
    expect(exitCode, leaving.output.slice(-20).join('\n')).toBe(0);
    await until('all to be at the other one', TIMEOUT_MS, () => areAllAt(staying.url));
    const come = await highestRate();
    const most = mostInASecond(told().map(({ atMs, retryAfterMs }) => atMs + retryAfterMs));
    const mean = before / DRAIN_SECONDS;
    console.log(
      `${before} clients sent away over ${DRAIN_SECONDS} s (${mean} a second): at most ${most} told to come within a second, at most ${Math.round(come)} came`,
    );
    expect(told()).toHaveLength(before);
    // A node that has no time for a newcomer may send it away once more, and says so.
    const again = toldAll().filter(({ code }) => code !== 'shutting_down');
    if (again.length > 0) console.log(`${again.length} had to come once more`);
    expect(again.filter(({ code }) => code !== 'unavailable')).toEqual([]);
    expect(most).toBeLessThan(mean * MOST_TOLD);
    expect(come).toBeLessThan(mean * MOST_COME);
    const started = await start(port);
    [leaving, staying] = [staying, started];
  }

  isFlowing = false;
  await flowing;
  const endMs = performance.now();
  await publish();
  const seen = () =>
    clients.flatMap((client, i) =>
      ['department:restart', `user:${users[i]}`].map((audience) => ({
        audience,
        ids: client.seen(audience),
      })),
    );
  const count = () => seen().reduce((sum, { ids }) => sum + ids.length, 0);
  const expected = seen().reduce((sum, { audience }) => sum + checker.count(audience), 0);
  await until('everybody to have everything', 60_000, () => count() >= expected).catch(() => {});
  const recoveryMs = performance.now() - endMs;
  const verdict = checker.judge(seen());
  const recovered = clients.reduce((sum, client) => sum + client.recovered, 0);
  const numbers = { published, confirmed: published, delivered: count(), recovered, recoveryMs };
  const deadLettered = await queueDepth(stack.amqpUrl, 'carillon.dead');
  console.log(lineOf('rolling restart of two gateways', { verdict, deadLettered, ...numbers }));
  expect(verdict).toEqual(flawless(expected));
  for (const client of clients) client.close();
  clients = [];
  await Promise.all([leaving.stop(), staying.stop()]);
});

/** How a WebSocket fails to open. */
function upgradeError(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
    socket.once('error', (error) => resolve(error.message));
    socket.once('open', () => reject(new Error('it opened')));
  });
}
