/** Limits over all processes: two gateways share them, Redis may be away, and a gateway may die. */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient, refusalOf, type TestClient } from '../../../support/client.ts';
import { madeEvent } from '../../../support/producer.ts';
import { scrape, sumOf } from '../../../support/scrape.ts';
import { type Stack, startStack } from '../../../support/stack.ts';
import { until } from '../../../support/until.ts';

const [CONNECTIONS, EVENTS, EVENTS_ALONE] = [3, 20, 2];
const LIMITS = {
  CONNECTIONS_PER_USER_ALL_NODES: String(CONNECTIONS),
  HTTP_EVENTS_PER_SECOND_ALL_NODES: String(EVENTS),
  HTTP_EVENTS_PER_SECOND: String(EVENTS_ALONE),
};
const REFUSED = { message: 'too_many_connections', data: { code: 'too_many_connections' } };

let stack: Stack;
let control: Redis;
let clients: TestClient[] = [];
beforeAll(async () => {
  stack = await startStack(LIMITS);
  control = new Redis(stack.redis.url, { maxRetriesPerRequest: null });
  control.on('error', () => {});
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(async () => {
  control.disconnect();
  await stack.stop();
});

function gateway(at: number): CarillonProcess {
  const found = stack.gateways[at % stack.gateways.length];
  if (found === undefined) throw new Error('no gateway');
  return found;
}

async function publish(at: number, user: string, count: number): Promise<Response> {
  const events = Array.from({ length: count }, (_, i) =>
    madeEvent(`${user}-${performance.now()}-${i}`, { audience: 'user:nobody' }),
  );
  return await fetch(`${gateway(at).url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await tokenFor(user, { scope: 'events:write' })}`,
      'content-type': 'application/cloudevents-batch+json',
    },
    body: JSON.stringify(events),
  });
}

const retryAfter = ({ headers }: Response) => Number(headers.get('retry-after'));

const counted = async (at: number, limit: string, outcome: string) =>
  sumOf(await scrape(gateway(at)), 'carillon_shared_limits_total', { limit, outcome }) ?? 0;

/** Resolves with whether there was room. */
async function connects(user: string, { url }: CarillonProcess): Promise<boolean> {
  const client = connectClient(url, await tokenFor(user));
  clients.push(client);
  return await Promise.race([
    client.session().then(() => true),
    refusalOf(client).then((refusal) => {
      expect(refusal).toEqual(REFUSED);
      return false;
    }),
  ]);
}

test('a producer at two gateways gets exactly its share', async () => {
  expect((await publish(0, 'orders', 1)).status).toBe(202);
  // Longer than a second, so that it does not matter how long a busy machine takes for the rest.
  await control.set('carillon:{user:orders}:published', 1, 'EX', 3_600);
  const answers = await Promise.all(Array.from({ length: 3 * EVENTS }, (_, i) => publish(i, 'orders', 1)));
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(EVENTS - 1);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(2 * EVENTS + 1);
  for (const answer of refused) expect(retryAfter(answer)).toBeGreaterThan(1_000);
  expect(await counted(0, 'events', 'refused')).toBeGreaterThan(0);
  expect((await publish(1, 'billing', EVENTS)).status).toBe(202);
});

test("a batch of more than a second's share takes the seconds that follow at the other gateway too", async () => {
  expect((await publish(0, 'migration', 60 * EVENTS)).status).toBe(202);
  const next = await publish(1, 'migration', 1);
  expect(next.status).toBe(429);
  expect(retryAfter(next)).toBeGreaterThan(20);
});

test('a client that publishes shares it with HTTP', async () => {
  await control.set('carillon:{user:ada}:published', EVENTS, 'EX', 3_600);
  const client = connectClient(gateway(1).url, await tokenFor('ada', { publish: ['room'] }));
  clients.push(client);
  await client.session();
  const answer = await client.ask('publish', { topic: 'room', type: 'said', data: {} });
  expect(answer).toMatchObject({ error: { code: 'rate_limited' } });
});

test('connections that begin at once at two gateways are as many as are allowed; one that ends makes room', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, (_, i) => connects('ada', gateway(i))));
  expect(all.filter((isLetIn) => isLetIn)).toHaveLength(CONNECTIONS);
  expect(await connects('bob', gateway(0))).toBe(true);
  expect((await counted(0, 'connections', 'refused')) + (await counted(1, 'connections', 'refused'))).toBe(5);
  clients.find(({ socket }) => socket.connected)?.close();
  await until('a free place', 20_000, () => connects('ada', gateway(1)));
});

test('a gateway that was killed keeps no places', async () => {
  const doomed = await startCarillon({ ...stack.environment, ROLES: 'gateway' });
  for (let i = 0; i < CONNECTIONS; i += 1) expect(await connects('eve', doomed)).toBe(true);
  expect(await connects('eve', gateway(0))).toBe(false);
  doomed.signal('SIGKILL');
  await doomed.exited;
  await until('its places', 40_000, () => connects('eve', gateway(0)));
});

test('while Redis is away each gateway has the limit of a process, and afterwards the shared one', async () => {
  const batch = 60 * EVENTS_ALONE;
  await stack.redis.kill();
  // Each gateway takes a batch that is larger than the share of a process, and then nothing for a minute.
  for (const at of [0, 1]) {
    expect((await publish(at, 'alone', batch)).status).toBe(202);
    const next = await publish(at, 'alone', 1);
    expect(next.status).toBe(429);
    expect(retryAfter(next)).toBeGreaterThan(20);
    expect(await counted(at, 'events', 'alone')).toBeGreaterThan(0);
    // Log lines are written some time later.
    const output = () => gateway(at).output.join('\n');
    await expect.poll(output).toContain('this node alone decides about a limit over all');
  }
  await stack.redis.restart();
  for (const at of [0, 1]) {
    await until('the shared limit', 20_000, async () => {
      await publish(at, `anybody-${performance.now()}`, 1);
      return gateway(at).output.join('\n').includes('a limit over all nodes is counted again');
    });
  }
  expect((await publish(0, 'together', 60 * EVENTS)).status).toBe(202);
  expect((await publish(1, 'together', 1)).status).toBe(429);
  // What the process counted meanwhile does not matter any more.
  expect((await publish(0, 'alone', 1)).status).toBe(202);
});
