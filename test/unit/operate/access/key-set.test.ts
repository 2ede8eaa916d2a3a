/** The provider's keys over time: how often it is asked, what a rotation does, and what while it is away. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeySet } from '../../../../src/operate/access/key-set.ts';
import { createVerify } from '../../../../src/operate/access/tokens.ts';

/** Less than a test may take. */
const IN_TIME = { timeout: 20_000 };

const URL_WITH_SECRETS = 'https://id.example/keys?key=hunter2';
const [COOLDOWN_MS, REFRESH_MS] = [5_000, 600_000];
const REFUSED = { ok: false, code: 'unauthorized', reason: 'ERR_JWKS_NO_MATCHING_KEY' };
const NOT_NOW = { ok: false, code: 'unavailable', reason: expect.any(String) };
const ACCEPTED = { ok: true, identity: expect.objectContaining({ user: 'ada' }) };

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;
let pairs: Readonly<Record<'k1' | 'k2', KeyPair>>;
let keySets: KeySet[];

beforeAll(async () => {
  pairs = { k1: await generateKeyPair('ES256'), k2: await generateKeyPair('ES256') };
});
beforeEach(() => {
  keySets = [];
  vi.useFakeTimers();
});
afterEach(() => {
  for (const keySet of keySets) keySet.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const answer =
  (body: unknown, status = 200) =>
  async () =>
    new Response(JSON.stringify(body), { status });
/** Ends only when it is given up. */
const silent: typeof fetch = (_url, init) =>
  new Promise((_, reject) => {
    init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
  });
const away = () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } }));
const keys = async (...ids: ('k1' | 'k2')[]) => {
  const all = await Promise.all(
    ids.map(async (kid) => ({ ...(await exportJWK(pairs[kid].publicKey)), kid })),
  );
  return answer({ keys: all });
};
const tokenOf = (signer: 'k1' | 'k2', kid: string = signer) =>
  new SignJWT({ sub: 'ada', exp: Date.now() / 1000 + 86_400 })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign(pairs[signer].privateKey);

/** A key set whose provider answers as told; `provider` may be told anew at any time. */
function open(first: typeof fetch) {
  const provider = vi.fn(first);
  vi.stubGlobal('fetch', provider);
  const log = { info: vi.fn(), warn: vi.fn() };
  const keySet = new KeySet({ url: URL_WITH_SECRETS, log });
  keySets.push(keySet);
  const checks = { issuer: undefined, audience: undefined, clockSkewSeconds: 5 };
  return { provider, log, keySet, verify: createVerify({ keys: { keySet }, ...checks }) };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('the provider is asked', () => {
  test('at the start, and again when the keys are old, whoever comes meanwhile', async () => {
    const { provider, verify } = open(await keys('k1'));
    for (let i = 0; i < 10; i += 1) {
      expect(await verify(await tokenOf('k1'))).toEqual(ACCEPTED);
      await pass(REFRESH_MS / 10 - 1);
    }
    expect(provider).toHaveBeenCalledTimes(1);
    await pass(10);
    expect(provider).toHaveBeenCalledTimes(2);
    expect(provider).toHaveBeenLastCalledWith(
      URL_WITH_SECRETS,
      expect.objectContaining({ redirect: 'error', signal: expect.any(AbortSignal) }),
    );
  });

  test('once in a cooldown, however many tokens name keys that nobody knows', async () => {
    const { provider, verify } = open(await keys('k1'));
    const flood = async () => {
      const tokens = await Promise.all(Array.from({ length: 50 }, (_, i) => tokenOf('k1', `made-up-${i}`)));
      expect(await Promise.all(tokens.map(verify))).toEqual(Array(50).fill(REFUSED));
      return provider.mock.calls.length;
    };
    await pass(0);
    expect(await flood()).toBe(1);
    await pass(COOLDOWN_MS - 1);
    expect(await flood()).toBe(1);
    await pass(1);
    expect(await flood()).toBe(2);
    expect(await flood()).toBe(2);
    await pass(COOLDOWN_MS);
    expect(await flood()).toBe(3);
  });

  test('once in a cooldown while it is away, too', async () => {
    const { provider, verify } = open(away);
    await pass(0);
    const calls: number[] = [];
    for (const ms of [0, COOLDOWN_MS - 1, 1, COOLDOWN_MS - 1, 1]) {
      await pass(ms);
      const tokens = await Promise.all(Array.from({ length: 20 }, () => tokenOf('k1')));
      expect(await Promise.all(tokens.map(verify))).toEqual(Array(20).fill(NOT_NOW));
      calls.push(provider.mock.calls.length);
    }
    expect(calls).toEqual([1, 1, 2, 2, 3]);
  });

  test('for 3 s at most, and who waited is asked to come again', async () => {
    const { log, verify } = open(silent);
    const answered = vi.fn();
    const waiting = verify(await tokenOf('k1')).then(answered);
    await pass(2_999);
    expect(answered).not.toHaveBeenCalled();
    await pass(1);
    await waiting;
    expect(answered).toHaveBeenCalledWith(NOT_NOW);
    expect(log.warn).toHaveBeenCalledWith(
      { reason: 'no answer within 3000 ms', inUse: false },
      'token keys cannot be fetched',
    );
  });

  test('never again once the set is closed', async () => {
    const { provider, keySet } = open(await keys('k1'));
    await pass(0);
    keySet.close();
    expect(vi.getTimerCount()).toBe(0);
    await pass(2 * REFRESH_MS);
    expect(provider).toHaveBeenCalledTimes(1);
  });
});

describe('a rotation', () => {
  test('is learnt from the first token that is signed with the new key', async () => {
    const { provider, verify } = open(await keys('k1'));
    await pass(COOLDOWN_MS);
    provider.mockImplementation(await keys('k1', 'k2'));
    expect(await verify(await tokenOf('k2'))).toEqual(ACCEPTED);
    expect(await verify(await tokenOf('k1'))).toEqual(ACCEPTED);
    expect(provider).toHaveBeenCalledTimes(2);
  });

  test('takes the old key away when the keys are fetched the next time, also when nobody came', async () => {
    const { provider, verify } = open(await keys('k1', 'k2'));
    provider.mockImplementation(await keys('k2'));
    await pass(REFRESH_MS - 1);
    expect(await verify(await tokenOf('k1'))).toEqual(ACCEPTED);
    await pass(1);
    expect(await verify(await tokenOf('k1'))).toEqual(REFUSED);
    expect(await verify(await tokenOf('k2'))).toEqual(ACCEPTED);
  });
});

describe('while the provider is away', () => {
  test('from the start, no token is called invalid that may be valid', async () => {
    const { provider, verify, keySet } = open(away);
    expect(await verify(await tokenOf('k1'))).toEqual(NOT_NOW);
    expect(await verify('nonsense')).toMatchObject({ code: 'unauthorized' });
    expect(keySet.isFilled).toBe(false);
    provider.mockImplementation(await keys('k1'));
    // By itself: a node that is not ready is sent no clients.
    await pass(COOLDOWN_MS);
    expect(keySet.isFilled).toBe(true);
    expect(await verify(await tokenOf('k1'))).toEqual(ACCEPTED);
  });

  test.for<[string, () => Promise<Response>]>([
    ['not reached', away],
    ['failing', answer({ error: 'overloaded' }, 503)],
    ['answering a page', async () => new Response('<html>Please wait</html>')],
    ['answering something else', answer({ status: 'ok' })],
    ['answering keys that are none', answer({ keys: ['k1'] })],
    ['answering no keys', answer({ keys: [] })],
  ])('%s: the last keys are used for hours', async ([, provide]) => {
    const { provider, log, verify } = open(await keys('k1'));
    await pass(0);
    provider.mockImplementation(provide);
    await pass(12 * REFRESH_MS);
    expect(await verify(await tokenOf('k1'))).toEqual(ACCEPTED);
    expect(await verify(await tokenOf('k2'))).toEqual(NOT_NOW);
    expect(log.warn).toHaveBeenCalledTimes(1);
    expect(log.info).not.toHaveBeenCalled();
    provider.mockImplementation(await keys('k2'));
    await pass(COOLDOWN_MS);
    expect(await verify(await tokenOf('k1'))).toEqual(REFUSED);
    expect(await verify(await tokenOf('k2'))).toEqual(ACCEPTED);
    expect(log.info).toHaveBeenCalledTimes(1);
    await pass(2 * REFRESH_MS);
    expect([log.warn.mock.calls.length, log.info.mock.calls.length]).toEqual([1, 1]);
  });

  test('the log says why, and never the URL', async () => {
    const url = Object.assign(new TypeError(`Invalid URL ${URL_WITH_SECRETS}`));
    const refused = new TypeError('fetch failed', {
      cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }),
    });
    for (const [provide, reason] of [
      [() => Promise.reject(url), 'TypeError'],
      [() => Promise.reject(refused), 'ECONNREFUSED'],
      [answer({}, 418), 'status 418'],
      [answer({}), 'the answer holds no keys'],
    ] as const) {
      const { log } = open(provide);
      await vi.waitFor(() => expect(log.warn).toHaveBeenCalledTimes(1), IN_TIME);
      expect(log.warn).toHaveBeenCalledWith({ reason, inUse: false }, 'token keys cannot be fetched');
    }
  });
});

test('a token that was verified before is refused once its key has been taken back', async () => {
  const { provider, verify } = open(await keys('k1'));
  const token = await tokenOf('k1');
  expect([await verify(token), await verify(token)]).toEqual([ACCEPTED, ACCEPTED]);
  provider.mockImplementation(await keys('k2'));
  await pass(REFRESH_MS);
  expect(await verify(token)).toEqual(REFUSED);
});
