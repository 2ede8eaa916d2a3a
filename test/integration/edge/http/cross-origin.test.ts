/** Pages of other origins and the inbox over HTTP: those of ALLOWED_ORIGINS may ask and read, and no others. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';

const APP = 'https://app.example';
const EVIL = 'https://evil.example';
const ROUTES = [
  ['GET', '/v1/inbox'],
  ['POST', '/v1/inbox/marks'],
] as const;

let [carillon, open]: CarillonProcess[] = [];
let authorization = '';
beforeAll(async () => {
  // Embedded mode refuses foreign pages before all else.
  [carillon, open] = await Promise.all(
    [APP, '*'].map((origins) => startCarillon({ JWT_SECRET, ALLOWED_ORIGINS: origins })),
  );
  authorization = `Bearer ${await tokenFor('ada')}`;
});
afterAll(async () => {
  await Promise.all([carillon?.stop(), open?.stop()]);
});

async function ask(method: string, path: string, headers: Record<string, string>, of = carillon) {
  const body = method === 'POST' ? { body: '{"as":"read"}' } : {};
  const response = await fetch(`${of?.url}${path}`, { method, headers, ...body });
  const { status } = response;
  const about = Object.fromEntries(
    [...response.headers].filter(([name]) => name.startsWith('access-control')),
  );
  return { status, about, vary: response.headers.get('vary'), type: response.headers.get('content-type') };
}

/** The inbox depends on the languages too. */
const DEPENDS_ON_ORIGIN = expect.stringMatching(/^Origin(, Accept-Language)?$/);

const preflight = (path: string, method: string, origin: string, of = carillon) =>
  ask('OPTIONS', path, { origin, 'access-control-request-method': method }, of);

describe.each(ROUTES)('%s %s', (method, path) => {
  test('may be asked by a page of an allowed origin', async () => {
    expect(await preflight(path, method, APP)).toMatchObject({
      status: 204,
      vary: 'Origin',
      about: {
        'access-control-allow-origin': APP,
        'access-control-allow-methods': method,
        'access-control-allow-headers': 'authorization, content-type',
        'access-control-max-age': '7200',
      },
    });
    expect(await preflight(path, method, APP, open)).toMatchObject({
      status: 204,
      about: { 'access-control-allow-origin': '*' },
    });
  });

  test.for([
    ['with a token', true],
    ['without one', false],
  ] as const)('is answered so that such a page can read it, %s', async ([, hasToken]) => {
    const headers = {
      origin: APP,
      'content-type': 'application/json',
      ...(hasToken ? { authorization } : {}),
    };
    const answer = await ask(method, path, headers);
    expect(answer).toMatchObject({
      vary: DEPENDS_ON_ORIGIN,
      about: {
        'access-control-allow-origin': APP,
        'access-control-expose-headers': 'retry-after, www-authenticate',
      },
    });
    if (answer.status !== 200) expect(answer.type).toMatch(/^application\/problem\+json/);
    expect([200, 400, 401]).toContain(answer.status);
  });

  test('shows a page of another origin nothing', async () => {
    for (const origin of [EVIL, 'null', `${APP}.evil.example`, 'http://app.example']) {
      for (const answer of [
        await preflight(path, method, origin),
        await ask(method, path, { origin, authorization, 'content-type': 'application/json' }),
      ]) {
        expect(answer).toMatchObject({ status: 403, about: {} });
        expect(answer.type).toMatch(/^application\/problem\+json/);
      }
    }
  });

  test('says to caches that it depends on the origin, and is as it was for programs', async () => {
    const answer = await ask(method, path, { authorization, 'content-type': 'application/json' });
    expect(answer).toMatchObject({ vary: DEPENDS_ON_ORIGIN, about: {} });
  });
});

test('events are for services: no page of another origin may publish over HTTP', async () => {
  expect(await preflight('/v1/events', 'POST', APP)).toMatchObject({ status: 405, about: {} });
});
