/** Tokens of an identity provider: its keys change, it goes away, it is not there yet; nobody is logged out by that. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connect as connectLibrary } from '../../../../src/clients/client/connect.ts';
import { type CarillonProcess, isReady, spawnCarillon, startCarillon } from '../../../support/carillon.ts';
import { connectClient, refusalOf, type TestClient } from '../../../support/client.ts';
import { KeyProvider } from '../../../support/key-provider.ts';
import { until } from '../../../support/until.ts';

const TIMEOUT_MS = 20_000;
const UNAVAILABLE = { message: 'unavailable', data: { code: 'unavailable' } };
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;

let provider: KeyProvider;
let carillon: CarillonProcess;
let clients: TestClient[] = [];

afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});

function connect(token: string): TestClient {
  const client = connectClient(carillon.url, token);
  clients.push(client);
  return client;
}

/** `ok`, or the code that a handshake with the token is refused with. */
async function knock(token: string): Promise<string> {
  const client = connect(token);
  const accepted = new Promise<string>((resolve) => client.socket.once('session', () => resolve('ok')));
  const outcome = await Promise.race([accepted, refusalOf(client).then(({ message }) => message)]);
  client.close();
  return outcome;
}

async function readInbox(token: string) {
  const response = await fetch(`${carillon.url}/v1/inbox`, { headers: { authorization: `Bearer ${token}` } });
  const body: unknown = await response.json();
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

const linesWith = (text: string) => carillon.output.filter((line) => line.includes(text));

describe('a provider that was there', () => {
  beforeAll(async () => {
    provider = await KeyProvider.create();
    for (const alg of ALGORITHMS) await provider.addKey(alg, alg);
    await provider.addKey('unpublished', 'ES256', false);
    await provider.start();
    carillon = await startCarillon({ JWKS_URL: provider.url });
  });
  afterAll(async () => {
    await carillon.stop();
    await provider.stop();
  });

  test.for(ALGORITHMS)('%s: its tokens are accepted', async (alg) => {
    const token = await provider.tokenOf(alg, `ada-${alg}`);
    expect(await connect(token).session()).toMatchObject({ user: `ada-${alg}` });
    expect(await readInbox(token)).toMatchObject({ status: 200 });
  });

  test('a new key is learnt from the first token that is signed with it', async () => {
    await provider.addKey('rotated', 'ES256');
    const token = await provider.tokenOf('rotated', 'ada');
    // Refused only as long as the provider has just been asked.
    await expect.poll(() => knock(token), { timeout: TIMEOUT_MS }).toBe('ok');
    expect(await knock(await provider.tokenOf('RS256', 'ada'))).toBe('ok');
  });

  test('a flood of keys that nobody knows is refused, and asks the provider once in 5 s', async () => {
    const [beganMs, before] = [performance.now(), provider.fetches];
    const token = await provider.tokenOf('unpublished', 'eve');
    for (let i = 0; i < 10; i += 1) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => readInbox(token)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    }
    expect(await knock(token)).toBe('unauthorized');
    const periods = Math.floor((performance.now() - beganMs) / 5_000) + 1;
    expect(provider.fetches - before).toBeLessThanOrEqual(periods);
  });

  test('while it is away everybody stays, comes back and renews; afterwards it is asked again', async () => {
    const stayed = connect(await provider.tokenOf('RS256', 'ada'));
    await stayed.session();
    await provider.stop();
    const unknown = await provider.tokenOf('unpublished', 'ada');
    await expect.poll(() => knock(unknown), { timeout: TIMEOUT_MS }).toBe('unavailable');

    expect(await stayed.ask('ping', { seq: 1 })).toMatchObject({ seq: 1 });
    const fresh = await provider.tokenOf('ES256', 'ada');
    expect(await stayed.ask('authenticate', { token: fresh })).toEqual({ expiresAt: expect.any(String) });
    expect(await stayed.ask('authenticate', { token: unknown })).toMatchObject({
      error: { code: 'unavailable' },
    });
    expect(await stayed.ask('authenticate', { token: 'x' })).toMatchObject({
      error: { code: 'unauthorized' },
    });
    expect(
      await Promise.all(ALGORITHMS.map(async (alg) => knock(await provider.tokenOf(alg, 'bob')))),
    ).toEqual(['ok', 'ok', 'ok']);
    expect(await readInbox(fresh)).toMatchObject({ status: 200 });
    await expect.poll(() => isReady(carillon)).toBe(true);

    await provider.start();
    await until('the provider to be asked', TIMEOUT_MS, () => linesWith('fetched again').length > 0);
    await expect.poll(() => knock(unknown)).toBe('unauthorized');
    expect(linesWith('token keys cannot be fetched')).toHaveLength(1);
    expect(stayed.names).toEqual(['session']);
    expect(stayed.socket.connected).toBe(true);
  });
});

describe.for<[string, boolean]>([
  ['is not there yet', false],
  ['takes connections and does not answer', true],
])('a provider that %s', ([, isSilent]) => {
  beforeAll(async () => {
    provider = await KeyProvider.create();
    await provider.addKey('k1', 'RS256');
    if (isSilent) await provider.start(true);
    carillon = await spawnCarillon({ JWKS_URL: provider.url });
    await until('Carillon to be alive', TIMEOUT_MS, async () => {
      const response = await fetch(`${carillon.opsUrl}/health/live`).catch(() => undefined);
      return response?.ok === true;
    });
  });
  afterAll(async () => {
    await carillon.stop();
    await provider.stop();
  });

  test('holds up whoever comes, calls no token invalid, and is asked until it answers', async () => {
    const token = await provider.tokenOf('k1', 'ada');
    const told: string[] = [];
    const library = connectLibrary({ url: carillon.url, token: () => token });
    library.on('state', (state) => told.push('reason' in state ? state.reason : state.status));
    library.on('error', ({ code }) => told.push(`error ${code}`));
    try {
      expect(await refusalOf(connect(token))).toEqual(UNAVAILABLE);
      expect(await readInbox(token)).toEqual({
        status: 503,
        retryAfter: '5',
        body: expect.objectContaining({
          code: 'keys_unavailable',
          type: 'urn:carillon:problem:keys_unavailable',
        }),
      });
      expect(await knock('nonsense')).toBe('unauthorized');
      const ready = await fetch(`${carillon.opsUrl}/health/ready`);
      expect([ready.status, await ready.json()]).toEqual([
        503,
        {
          status: 'starting',
          parts: expect.objectContaining({ keys: { ok: false, reason: 'never fetched' } }),
        },
      ]);
      await until('the library to be refused', TIMEOUT_MS, () => told.includes('unavailable'));

      await provider.stop();
      await provider.start();
      await until('Carillon to be ready', TIMEOUT_MS, () => isReady(carillon));
      await until('the library to be connected', TIMEOUT_MS, () => library.state.status === 'connected');
      expect(new Set(told)).toEqual(new Set(['unavailable', 'connecting', 'connected']));
    } finally {
      library.close();
    }
  });
});
