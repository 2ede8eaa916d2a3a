/** Starts an embedded program with the test's own limits, provides its users, and fills their logs. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, onTestFinished } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from './carillon.ts';
import { type ClientOptions, connectClient, type TestClient } from './client.ts';
import { madeEvent } from './producer.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 20_000;

interface Asker {
  readonly claims?: Record<string, unknown>;
  readonly auth?: ClientOptions['auth'];
}

type Limits = Readonly<Record<string, string>>;

/** Returns a function that starts a program for the calling test. MUST be called once per test file. */
export function ownPrograms() {
  const withClients = clientsOfTests();
  return async (limits: Limits): Promise<OwnProgram> => {
    const carillon = await startCarillon({ JWT_SECRET, ...limits });
    onTestFinished(async () => void (await carillon.stop()));
    return withClients(carillon);
  };
}

/** Starts one program for all tests around the call. These tests MUST use different users and topics. */
export function sharedProgram(limits: Limits): () => OwnProgram {
  const withClients = clientsOfTests();
  let program: OwnProgram | undefined;
  beforeAll(async () => {
    program = withClients(await startCarillon({ JWT_SECRET, ...limits }));
  });
  afterAll(() => program?.carillon.stop());
  return () => {
    if (program === undefined) throw new Error('It is started before the tests.');
    return program;
  };
}

/** Closes the clients of each test when the test ends. */
function clientsOfTests() {
  let clients: TestClient[] = [];
  afterEach(() => {
    for (const client of clients) client.close();
    clients = [];
  });

  return (carillon: CarillonProcess) => {
    const begin = async (user: string, { claims, auth }: Asker = {}) => {
      const client = connectClient(carillon.url, await tokenFor(user, claims), { auth: { ...auth } });
      clients.push(client);
      return client;
    };
    return {
      carillon,
      begin,
      /** Resolves when the session has begun. */
      async connect(user: string, asker?: Asker): Promise<TestClient> {
        const client = await begin(user, asker);
        await client.session();
        return client;
      },
      http: async (user: string, path: string, body?: unknown) =>
        await fetch(`${carillon.url}${path}`, {
          headers: { authorization: `Bearer ${await tokenFor(user)}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
        }),
      fill: (audience: string, count: number, bytes = 10) => fill(carillon, audience, count, bytes),
    };
  };
}

export type OwnProgram = ReturnType<ReturnType<typeof clientsOfTests>>;

/**
 * Appends `count` entries `e1`, `e2` …, each with data of `bytes` bytes. Resolves when they are in the audience's log.
 */
async function fill(carillon: CarillonProcess, audience: string, count: number, bytes: number) {
  const witness = connectClient(carillon.url, await tokenFor('witness'));
  await witness.session();
  const authorization = `Bearer ${await tokenFor('filler', { scope: 'events:write' })}`;
  const events = Array.from({ length: count }, (_, i) =>
    madeEvent(`e${i + 1}`, { audience, data: { text: 'x'.repeat(bytes) } }),
  );
  const atOnce = Math.max(1, Math.floor(900_000 / (bytes + 200)));
  const last = madeEvent(randomUUID(), { audience: 'user:witness' });
  const batches: unknown[][] = [[last]];
  for (let at = 0; at < events.length; at += atOnce) batches.splice(-1, 0, events.slice(at, at + atOnce));
  for (const batch of batches) {
    const response = await fetch(`${carillon.url}/v1/events`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/cloudevents-batch+json' },
      body: JSON.stringify(batch),
    });
    expect(response.status).toBe(202);
  }
  await until('the event behind all', TIMEOUT_MS, () => witness.notifications.length > 0);
  witness.close();
}
