/**
 * Starts one program in embedded mode per test file, and gives each test a user of its own with the requests that a
 * user makes.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from './carillon.ts';
import { type ClientOptions, connectClient, type TestClient } from './client.ts';
import { madeEvent } from './producer.ts';
import { until } from './until.ts';

export const TIMEOUT_MS = 20_000;

/** MUST be called once per test file. Each test then gets another user. */
export function freshUsers() {
  let carillon: CarillonProcess;
  let watcher: TestClient;
  let clients: TestClient[] = [];
  let tests = 0;

  beforeAll(async () => {
    carillon = await startCarillon({
      JWT_SECRET,
      JWT_CLOCK_SKEW_SECONDS: '0',
      SYNC_LIMIT: '5',
      // Enough for the largest requests that the contract allows, with UUIDs as ids.
      CLIENT_MESSAGE_MAX_BYTES: '24576',
    });
    watcher = connectClient(carillon.url, await tokenFor('watcher'));
    await watcher.session();
  });
  beforeEach(() => {
    tests += 1;
  });
  afterEach(() => {
    for (const client of clients) client.close();
    clients = [];
  });
  afterAll(async () => {
    watcher.close();
    await carillon.stop();
  });

  const user = () => `ada-${tests}`;
  const claims = () => ({ departments: [`sales-${tests}`], topics: ['ticker.*'] });
  const token = (own: Record<string, unknown> = claims(), seconds = 600) => tokenFor(user(), own, seconds);

  /** Starts to connect, without waiting for the session. */
  const begin = async (auth: ClientOptions['auth'] = {}, bearer?: string) => {
    const client = connectClient(carillon.url, bearer ?? (await token()), { auth });
    clients.push(client);
    return client;
  };

  return {
    get user() {
      return user();
    },
    get claims() {
      return claims();
    },
    /** The audiences that belong to this user alone, and a topic that the token allows. */
    get me() {
      return `user:${user()}`;
    },
    get sales() {
      return `department:sales-${tests}`;
    },
    get topic() {
      return `ticker.${tests}`;
    },
    token,

    begin,

    /** Resolves when the session has begun. */
    async connect(auth: ClientOptions['auth'] = {}, bearer?: string): Promise<TestClient> {
      const client = await begin(auth, bearer);
      await client.session();
      return client;
    },

    /** Resolves when events with these subjects are in the audience's inbox. */
    async publish(audience: string, ...subjects: readonly string[]): Promise<void> {
      const last = randomUUID();
      const writer = await tokenFor('a-service', { scope: 'events:write' });
      const events = subjects.map((subject) => madeEvent(`${user()} ${subject}`, { audience, subject }));
      const response = await fetch(`${carillon.url}/v1/events`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${writer}`,
          'content-type': 'application/cloudevents-batch+json',
        },
        body: JSON.stringify([...events, madeEvent(last, { audience: 'user:watcher' })]),
      });
      expect(response.status).toBe(202);
      await until('the event behind', TIMEOUT_MS, () => watcher.notifications.some(({ id }) => id === last));
    },

    /** A GET, or a POST when there is a body. */
    async http(path: string, body?: unknown, bearer?: string) {
      const response = await fetch(`${carillon.url}${path}`, {
        headers: { authorization: `Bearer ${bearer ?? (await token())}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      });
      const answer: unknown = await response.json();
      return { status: response.status, body: answer };
    },
  };
}

/** Matches notifications by the subjects of their events. */
export const shown = (...subjects: readonly string[]) =>
  subjects.map((subject) => expect.objectContaining({ subject }));

/** Checks that the answer is a refusal with this code, and that the socket stays connected. */
export async function expectRefused(client: TestClient, request: string, body: unknown, code: string) {
  expect(await client.ask(request, body)).toEqual({ error: { code, message: expect.stringMatching(/./) } });
  expect(await client.ask('ping', { seq: 7 })).toMatchObject({ seq: 7 });
}
