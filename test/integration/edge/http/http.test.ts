/** The HTTP API as a producer's developer meets it: what is accepted, and how plainly the rest is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { type MadeEvent, madeEvent } from '../../../support/producer.ts';
import { temporaryFile } from '../../../support/temporary-file.ts';

const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';

let carillon: CarillonProcess;
let writer: string;

beforeAll(async () => {
  const routes = 'routes:\n  - type: order.*\n    audience: ["user:{data.customerId}"]\n';
  carillon = await startCarillon({
    JWT_SECRET,
    EVENT_MAX_BYTES: '2000',
    ROUTES_FILE: temporaryFile('routes.yaml', routes),
  });
  writer = await tokenFor('a-service', { scope: 'events:write' });
});
afterAll(() => carillon.stop());

async function post(body: string | Uint8Array, headers: Record<string, string> = {}) {
  const response = await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${writer}`, 'content-type': STRUCTURED, ...headers },
    body,
  });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.json() };
}

/** The attributes as headers. */
const BINARY = {
  'ce-specversion': '1.0',
  'ce-id': 'x',
  'ce-source': '/s',
  'ce-type': 't',
  'ce-audience': 'global',
};

const json = (event: unknown) => JSON.stringify(event);
const good = (id: string, extra: Record<string, unknown> = {}): MadeEvent =>
  madeEvent(id, { audience: 'user:ada', ...extra });

describe('accepted', () => {
  test.for<[string, string, Record<string, string>]>([
    ['structured', json(good('1')), {}],
    ['structured, with a charset', json(good('2')), { 'content-type': `${STRUCTURED}; charset=utf-8` }],
    ['structured, as plain JSON', json(good('3')), { 'content-type': 'application/json' }],
    ['mapped by a route', json(madeEvent('4', { type: 'order.paid', data: { customerId: 7 } })), {}],
    ['with attributes that we do not know', json(good('5', { comexampleextension: 'x' })), {}],
    [
      'binary without data',
      '',
      {
        'content-type': 'application/json',
        ...BINARY,
        'ce-id': '6',
      },
    ],
    ['a batch', json([good('7'), good('8')]), { 'content-type': BATCH }],
    ['binary with bytes', '%PDF-', { 'content-type': 'application/pdf', ...BINARY, 'ce-id': '9' }],
  ])('%s', async ([, body, headers]) => {
    expect(await post(body, headers)).toMatchObject({ status: 202, body: { accepted: expect.any(Number) } });
  });
});

describe('refused', () => {
  const problems: readonly [string, string | Uint8Array, Record<string, string>, Record<string, unknown>][] =
    [
      ['no body', '', {}, { status: 400, code: 'not_json' }],
      ['half of a JSON', '{"id":', {}, { status: 400, code: 'not_json' }],
      ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), {}, { status: 400, code: 'not_json' }],
      [
        'too large',
        json(good('x', { data: { pad: 'x'.repeat(2_000) } })),
        {},
        { status: 413, code: 'too_large' },
      ],
      ['far too large', 'x'.repeat(2_000_000), {}, { status: 413, code: 'too_large' }],
      [
        'a form, which is what curl says when nobody has named a type',
        '{}',
        { ...BINARY, 'content-type': 'application/x-www-form-urlencoded' },
        { status: 415, code: 'unsupported_media_type' },
      ],
      [
        'bytes that are no base64',
        json({ ...madeEvent('x', { audience: 'user:ada', data: undefined }), data_base64: '?' }),
        {},
        { status: 422, code: 'invalid_event', path: 'data_base64' },
      ],
      [
        'bytes that are too many in base64',
        new Uint8Array(1_900),
        { ...BINARY, 'content-type': 'image/png' },
        { status: 413, code: 'too_large' },
      ],
      [
        'XML',
        '<event/>',
        { 'content-type': 'application/xml' },
        { status: 415, code: 'unsupported_media_type' },
      ],
      ['a list where one is expected', json([good('x')]), {}, { status: 422, code: 'invalid_event' }],
      [
        'no id',
        json({ ...good('x'), id: undefined }),
        {},
        { status: 422, code: 'invalid_event', path: 'id' },
      ],
      [
        'a number as id',
        json({ ...good('x'), id: 7 }),
        {},
        { status: 422, code: 'invalid_event', path: 'id' },
      ],
      [
        'a bad time',
        json(good('x', { time: 'now' })),
        {},
        { status: 422, code: 'invalid_event', path: 'time' },
      ],
      ['a bad severity', json(good('x', { severity: 'loud' })), {}, { status: 422, path: 'severity' }],
      [
        'a bad audience',
        json(good('x', { audience: ['user:1', 'team:2'] })),
        {},
        { status: 422, code: 'invalid_audience', path: 'audience[1]' },
      ],
      ['nobody', json(madeEvent('x')), {}, { status: 422, code: 'no_audience', path: 'audience' }],
      [
        'a route without its data',
        json(madeEvent('x', { type: 'order.paid' })),
        {},
        { status: 422, code: 'invalid_event', path: 'data.customerId' },
      ],
      [
        'expired',
        json(good('x', { expirytime: '2020-01-01T00:00:00Z' })),
        {},
        { status: 422, code: 'expired', path: 'expirytime' },
      ],
      ['an empty batch', '[]', { 'content-type': BATCH }, { status: 422, code: 'invalid_event' }],
      [
        'one bad in a batch',
        json([good('a'), good('b', { id: '' })]),
        { 'content-type': BATCH },
        { status: 422, path: 'id', index: 1 },
      ],
      ['no token', json(good('x')), { authorization: '' }, { status: 401, code: 'unauthorized' }],
      [
        'a bad token',
        json(good('x')),
        { authorization: 'Bearer x.y.z' },
        { status: 401, code: 'unauthorized' },
      ],
    ];

  test.for(problems)('%s', async ([, body, headers, expected]) => {
    const { status, type, body: problem } = await post(body, headers);
    expect(problem).toMatchObject({
      ...expected,
      type: expect.stringMatching(/^urn:carillon:problem:/),
      detail: expect.any(String),
    });
    expect(status).toBe(expected.status);
    expect(type).toContain('application/problem+json');
    expect(JSON.stringify(problem)).not.toMatch(/node_modules|at .*\.(js|ts):|Error:/);
  });

  test('a token without the scope', async () => {
    const reader = await tokenFor('ada');
    expect(await post(json(good('x')), { authorization: `Bearer ${reader}` })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
  });

  test('a path that does not exist', async () => {
    const response = await fetch(`${carillon.url}/v2/events`);
    expect([response.status, await response.json()]).toMatchObject([404, { code: 'not_found' }]);
  });
});

test('the demo page learns what is wrong with the user it asks a token for', async () => {
  const response = await fetch(`${carillon.url}/demo/token?user=a%7Db`);
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { code: 'bad_request', detail: expect.stringContaining('user') },
  ]);
});

test('a batch with one bad event publishes none of it', async () => {
  const metric = async () =>
    /^carillon_events_total\{outcome="ack"\} (\d+)/m.exec(
      await (await fetch(`${carillon.opsUrl}/metrics`)).text(),
    )?.[1];
  const before = await metric();
  await post(json([good('one'), good('two', { type: '' })]), { 'content-type': BATCH });
  expect(await metric()).toBe(before);
});

test('large answers are compressed, and what operators see is not on the public port', async () => {
  const spec = await fetch(`${carillon.url}/docs/json`, { headers: { 'accept-encoding': 'br, gzip' } });
  expect(spec.headers.get('content-encoding')).toMatch(/br|gzip/);
  expect(await spec.json()).toMatchObject({ openapi: '3.1.0' });
  expect((await fetch(`${carillon.url}/metrics`)).status).toBe(404);
  expect((await fetch(`${carillon.opsUrl}/metrics`)).status).toBe(200);
});

describe('a token that is limited to audiences', () => {
  const limited = async (...audiences: string[]) => {
    const token = await tokenFor('a-service', { scope: 'events:write', audiences });
    return { authorization: `Bearer ${token}` };
  };

  test.for<[string, string[], Record<string, unknown>]>([
    ['one of them', ['topic:ticker.*'], { audience: 'topic:ticker.btc' }],
    ['several', ['topic:*', 'user:4*', 'global'], { audience: 'topic:x, user:42, global' }],
    ['anybody, by a star', ['*'], { audience: ['department:sales', 'global'] }],
  ])('may publish to %s', async ([, audiences, extra]) => {
    expect(await post(json(good('l1', extra)), await limited(...audiences))).toMatchObject({ status: 202 });
  });

  test.for<[string, string[], Record<string, unknown>, RegExp]>([
    ['another', ['topic:ticker.*'], { audience: 'user:ada' }, /to user:ada/],
    ['another beside its own', ['topic:*'], { audience: 'topic:x, global' }, /to global/],
    ['one of another kind', ['user:*'], { audience: 'department:user' }, /department:user/],
    ['anybody at all, when it has none', [], { audience: 'global' }, /to global/],
    [
      'whom a route names',
      ['user:*'],
      { audience: undefined, type: 'order.paid', data: { customerId: 7 } },
      /must name its own/,
    ],
  ])('may not publish to %s', async ([, audiences, extra, why]) => {
    expect(await post(json(good('l2', extra)), await limited(...audiences))).toMatchObject({
      status: 403,
      body: { code: 'forbidden', detail: expect.stringMatching(why) },
    });
  });

  test('gets nothing of a batch taken when one event is for another', async () => {
    const headers = { ...(await limited('user:*')), 'content-type': BATCH };
    const batch = json([good('l3'), good('l4', { audience: 'global' })]);
    expect(await post(batch, headers)).toMatchObject({ status: 403 });
  });
});
