/** Where the console is and where not, whom it answers, and which pages may connect. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, tokenFor } from '../../../support/carillon.ts';
import { connectClient, refusalOf } from '../../../support/client.ts';
import { adminToken, ask, startReal } from '../../../support/console.ts';
import { KeyProvider } from '../../../support/key-provider.ts';
import { askLive } from '../../../support/live-stream.ts';
import { madeEvent } from '../../../support/producer.ts';

describe('outside embedded mode', () => {
  let carillon: CarillonProcess;
  beforeAll(async () => {
    carillon = await startReal({ JWT_SECRET, CONSOLE: 'true', ROLES: 'gateway' });
  });
  afterAll(() => carillon?.stop());

  test.for(['tokens', 'events', 'check', 'live'])(
    '%s needs a token with a scope of operators',
    async (path) => {
      const body = path === 'live' ? undefined : madeEvent('1', { audience: 'global', user: 'ada' });
      const asked = async (token?: string) => {
        const { status, answer } = await ask(carillon.opsUrl, path, body, token);
        return [status, answer];
      };
      const unauthorized = [401, expect.objectContaining({ code: 'unauthorized' })];
      expect(await asked()).toEqual(unauthorized);
      expect(await asked('no.such.token')).toEqual(unauthorized);
      expect(await asked(await tokenFor('ada', { scope: 'events:write' }))).toEqual([
        403,
        expect.objectContaining({ code: 'forbidden' }),
      ]);
    },
  );

  test('a gateway without routes cannot say where an event without audience would go', async () => {
    const token = await adminToken();
    const check = (event: unknown) => ask(carillon.opsUrl, 'check', event, token);
    expect(await check(madeEvent('1'))).toMatchObject({ status: 409, answer: { code: 'routes_unknown' } });
    expect(await check(madeEvent('1', { audience: 'user:1' }))).toMatchObject({ status: 200 });
  });

  test.for(['websocket', 'polling'] as const)('its page may connect over %s', async (transport) => {
    const opsPort = Number(new URL(carillon.opsUrl).port);
    const connect = async (origin: string) => {
      const client = connectClient(carillon.url, await tokenFor('ada'), {
        transports: [transport],
        headers: { origin },
      });
      onTestFinished(() => client.close());
      return client;
    };
    for (const scheme of ['http', 'https'])
      expect(await (await connect(`${scheme}://127.0.0.1:${opsPort}`)).session()).toMatchObject({
        user: 'ada',
      });
    for (const origin of [`http://127.0.0.1:${opsPort + 1}`, `http://localhost:${opsPort}`, 'null']) {
      expect((await refusalOf(await connect(origin))).message).toMatch(/./);
    }
  });

  test('what it polls is answered so that a browser hands it over, and what others poll is not', async () => {
    const polled = async (origin: string) => {
      const headers = { origin };
      const response = await fetch(`${carillon.url}/socket.io/?EIO=4&transport=polling`, { headers });
      return [response.status, response.headers.get('access-control-allow-origin')];
    };
    expect(await polled(carillon.opsUrl)).toEqual([200, carillon.opsUrl]);
    expect(await polled('https://evil.example')).toEqual([403, null]);
  });
});

test('unless it is asked for there is none, and its page may not connect', async () => {
  const carillon = await startReal({ JWT_SECRET });
  onTestFinished(async () => void (await carillon.stop()));
  const token = await adminToken();
  for (const origin of [carillon.url, carillon.opsUrl]) {
    for (const path of ['', 'about', 'live']) {
      expect((await ask(origin, path, undefined, token)).status).toBe(404);
    }
    for (const path of ['tokens', 'events', 'check'])
      expect((await ask(origin, path, {}, token)).status).toBe(404);
  }
  const client = connectClient(carillon.url, await tokenFor('ada'), { headers: { origin: carillon.opsUrl } });
  expect((await refusalOf(client)).message).toMatch(/./);
});

test('a consumer alone has a console too; who verifies with somebody else’s keys makes no tokens', async () => {
  const provider = await KeyProvider.create();
  await provider.addKey('k', 'ES256');
  await provider.start();
  onTestFinished(() => provider.stop());
  const carillon = await startReal({ JWKS_URL: provider.url, CONSOLE: 'true', ROLES: 'consumer' });
  onTestFinished(async () => void (await carillon.stop()));
  expect(await ask(carillon.opsUrl, 'about')).toMatchObject({
    answer: { mode: 'real', gatewayPort: null, canSign: false, roles: ['consumer'] },
  });
  const token = await provider.tokenOf('k', 'operator', { scope: 'admin' });
  expect(await ask(carillon.opsUrl, 'tokens', { user: 'ada' }, token)).toMatchObject({
    status: 409,
    answer: { code: 'cannot_sign' },
  });
  const event = madeEvent('1', { audience: 'global' });
  expect(await ask(carillon.opsUrl, 'events', event, token)).toMatchObject({ status: 202 });
  const live = await askLive(carillon.opsUrl, token);
  expect(live.status).toBe(200);
  await live.body?.cancel();
});
