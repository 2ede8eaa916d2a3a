/** How much a producer may publish over HTTP, and what every answer tells browsers. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { madeEvent } from '../../../support/producer.ts';

let carillon: CarillonProcess;
beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET, HTTP_EVENTS_PER_SECOND: '2' });
});
afterAll(() => carillon.stop());

async function publish(user: string, ...ids: string[]): Promise<Response> {
  return await post(user, JSON.stringify(ids.map((id) => madeEvent(id, { audience: 'user:ada' }))));
}

async function post(user: string, body: string): Promise<Response> {
  return await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await tokenFor(user, { scope: 'events:write' })}`,
      'content-type': 'application/cloudevents-batch+json',
    },
    body,
  });
}

const retryAfter = ({ headers }: Response) => Number(headers.get('retry-after'));

test('more events in a second than are allowed: none of them is taken, and when to come again is said', async () => {
  // Two may in each second, and a busy machine takes less than half a minute for these.
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => publish('orders', `${i}`)));
  const refused = answers.find(({ status }) => status === 429) ?? Response.error();
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ code: 'rate_limited', status: 429 });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
});

test("a batch of more than a second's share is taken all the same, alone", async () => {
  expect((await publish('archive', 'x', 'y', 'z')).status).toBe(202);
});

test('such a batch takes the seconds that follow too', async () => {
  const ids = Array.from({ length: 200 }, (_, i) => `${i}`);
  expect((await publish('migration', ...ids)).status).toBe(202);
  const next = await publish('migration', 'one more');
  expect(next.status).toBe(429);
  expect(retryAfter(next)).toBeGreaterThan(50);
});

test('an event counts once for each of its audiences', async () => {
  const audience = Array.from({ length: 200 }, (_, i) => `user:u${i}`);
  expect((await post('crm', JSON.stringify([madeEvent('wide', { audience })]))).status).toBe(202);
  const next = await publish('crm', 'narrow');
  expect(next.status).toBe(429);
  expect(retryAfter(next)).toBeGreaterThan(50);
});

test('what is refused has been read, and counts', async () => {
  const faulty = JSON.stringify([
    ...Array.from({ length: 100 }, (_, i) => madeEvent(`${i}`, { audience: 'user:ada' })),
    { type: 7 },
  ]);
  const padded = `${' '.repeat(800_000)}[]`;
  for (const [user, body] of [
    ['faulty', faulty],
    ['padded', padded],
    ['no-json', 'x'.repeat(800_000)],
  ] as const) {
    expect((await post(user, body)).status).toBeGreaterThanOrEqual(400);
    const next = await publish(user, 'good');
    expect(next.status).toBe(429);
    expect(retryAfter(next)).toBeGreaterThan(20);
  }
});

test('another producer is not concerned', async () => {
  expect((await publish('rota', 'd', 'e')).status).toBe(202);
  expect((await publish('billing', 'f', 'g')).status).toBe(202);
});

test.for(['/', '/docs', '/v1/inbox', '/nowhere'])(
  '%s: nothing from elsewhere, in no frame, no guessing',
  async (path) => {
    const { headers } = await fetch(`${carillon.url}${path}`);
    expect(headers.get('content-security-policy')).toMatch(/default-src 'self'.*frame-ancestors 'none'/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-powered-by')).toBeNull();
  },
);
