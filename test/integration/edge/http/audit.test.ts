/** What operators do, on a running service: each route takes the scopes that openapi.yaml names, and each call is told. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { adminScopes } from '../../../../src/contract/admin-scope.ts';
import { aboutSchema } from '../../../../src/contract/console.ts';
import { admin } from '../../../support/admin.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { ask } from '../../../support/console.ts';
import { askLive } from '../../../support/live-stream.ts';
import { madeEvent } from '../../../support/producer.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';
import { SignalListener } from '../../../support/signal-listener.ts';
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';

const PATIENCE_MS = 40_000;

const operationSchema = z.looseObject({
  security: z.array(z.object({ bearer: z.array(z.string()) })).optional(),
});
const pathSchema = z.record(z.string(), z.unknown());
const { paths } = z
  .looseObject({ paths: z.record(z.string(), pathSchema) })
  .parse(parse(readFileSync('openapi.yaml', 'utf8')));

const calls = Object.entries(paths).flatMap(([path, methods]) =>
  ['get', 'put', 'post', 'delete'].flatMap((method) => {
    if (!path.startsWith('/admin/') || methods[method] === undefined) return [];
    const { security = [] } = operationSchema.parse(methods[method]);
    return [{ method: method.toUpperCase(), path, scopes: security.flatMap(({ bearer }) => bearer) }];
  }),
);

let toRabbitMq: TcpProxy;
let carillon: CarillonProcess;
let listener: SignalListener;

beforeAll(async () => {
  const [amqpUrl, REDIS_URL] = await Promise.all([freshVhost(), freshRedis()]);
  toRabbitMq = await startTcpProxy(Number(new URL(amqpUrl).port));
  const disturbed = new URL(amqpUrl);
  disturbed.port = String(toRabbitMq.port);
  carillon = await startCarillon({
    AMQP_URL: disturbed.href,
    REDIS_URL,
    JWT_SECRET,
    CONSOLE: 'true',
    TRUST_PROXY: 'loopback',
    LOG_LEVEL: 'warn',
  });
  listener = await SignalListener.open(amqpUrl, 'carillon.audit.#');
});
afterAll(async () => {
  await Promise.all([listener?.close(), carillon?.stop()]);
  await toRabbitMq?.close();
});

const tokenOf = (actor: string, scope: string) => tokenFor(actor, { scope, jti: `id of ${actor}` });

/** The signals of calls of an operator; each test has one of its own. */
const signalsOf = (actor: string) => listener.signals.filter(({ subject }) => subject === actor);
const recordsOf = async (actor: string, count: number) => {
  await until('the signals', PATIENCE_MS, () => signalsOf(actor).length >= count);
  return signalsOf(actor).map(({ type, data }) => ({ type, ...data }));
};
const linesOf = (actor: string) =>
  carillon.output.filter((line) => line.includes('"admin call') && line.includes(`"actor":"${actor}"`));

test.for(calls)('$method $path takes the scopes that are written, and no other', async (call) => {
  const { method, path, scopes } = call;
  expect(scopes).toContain('admin');
  const url = `${carillon.opsUrl}${path.replace(/\{\w+\}/, 'nobody-there')}`;
  for (const scope of [...Object.keys(adminScopes), 'events:write']) {
    // At most somebody who was never here is sent away; a path without an id gets a query that is not taken.
    const response = await fetch(`${url}?user=&audience=&limit=x`, {
      method,
      headers: { authorization: `Bearer ${await tokenFor('scoped', { scope })}` },
    });
    const answer = await response.text();
    const isRefused = response.status === 403;
    expect([scope, isRefused]).toEqual([scope, !scopes.includes(scope)]);
    if (isRefused) expect(JSON.parse(answer)).toMatchObject({ code: 'forbidden', scope: scopes[0] });
  }
});

test('there are such calls, and none of them takes whoever has any token', () => {
  expect(calls.length).toBeGreaterThan(10);
});

test('a call is told as a signal and as a line, with who, what, and from where', async () => {
  const token = await tokenOf('grace', 'admin:users admin:read');
  const asked = await fetch(`${carillon.opsUrl}/admin/users/ada/disconnect`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'x-forwarded-for': '203.0.113.9',
    },
    body: '{"notBefore":"2026-11-20T09:00:00Z"}',
  });
  expect(asked.status).toBe(202);
  const call = {
    action: 'users.disconnect',
    actor: 'grace',
    tokenId: 'id of grace',
    scope: 'admin:users',
    node: expect.any(String),
    address: '203.0.113.9',
    method: 'POST',
    route: '/admin/users/{user}/disconnect',
    target: { user: 'ada' },
    query: {},
    body: { notBefore: '2026-11-20T09:00:00Z' },
    status: 202,
  };
  expect(await recordsOf('grace', 1)).toEqual([{ type: 'carillon.audit.users.disconnect', ...call }]);
  // LOG_LEVEL is warn.
  await until('the line', PATIENCE_MS, () => linesOf('grace').length === 1);
  expect(JSON.parse(linesOf('grace')[0] ?? '')).toMatchObject({ ...call, level: 'info' });
});

test('who was refused is told, too; the token never', async () => {
  const token = await tokenOf('mallory', 'admin:read');
  const discarded = await admin(carillon, 'POST', 'dead-letters/discard', { body: { ids: ['x'] }, token });
  expect(discarded).toMatchObject({ status: 403, answer: { scope: 'admin:dead-letters' } });
  expect(await recordsOf('mallory', 1)).toMatchObject([
    { type: 'carillon.audit.dead-letters.discard', refusal: 'forbidden', status: 403, body: {} },
  ]);
  const nobodys = () => listener.signals.filter(({ data }) => data.refusal === 'unauthorized');
  expect((await admin(carillon, 'GET', 'users/eve/sessions', { token: 'not.a.token' })).status).toBe(401);
  await until('the signal', PATIENCE_MS, () => nobodys().length > 0);
  expect(nobodys()).toMatchObject([{ data: { target: { user: 'eve' }, status: 401 } }]);
  expect(nobodys()[0]).not.toHaveProperty('subject');
  const all = `${JSON.stringify(listener.signals)}${carillon.output.join('')}`;
  for (const secret of [token, token.split('.')[2] ?? '', 'not.a.token']) expect(all).not.toContain(secret);
});

test('the console: what acts or shows what people get is told, what asks at each key is not', async () => {
  const token = await tokenOf('hopper', 'admin');
  const event = madeEvent('from-the-console', {
    audience: 'user:ada',
    source: '/console-test',
    data: { title: 'hidden title' },
  });
  expect((await ask(carillon.opsUrl, 'check', event, token)).status).toBe(200);
  expect((await ask(carillon.opsUrl, 'events', event, token)).status).toBe(202);
  expect((await ask(carillon.opsUrl, 'tokens', { user: 'ada', topics: ['a'] }, token)).status).toBe(200);
  const live = await askLive(carillon.opsUrl, token);
  await live.body?.cancel();
  const signals = await recordsOf('hopper', 3);
  expect(signals).toMatchObject([
    { action: 'console.send', target: { event: 'from-the-console', source: '/console-test' }, status: 202 },
    { action: 'console.token', body: { user: 'ada', topics: ['a'] }, status: 200 },
    { action: 'console.watch', scope: 'admin', status: 200 },
  ]);
  expect(JSON.stringify(signals)).not.toContain('hidden');
});

test('the console with admin:read shows, and does nothing', async () => {
  const token = await tokenOf('lovelace', 'admin:read');
  const event = madeEvent('1', { audience: 'user:ada' });
  const statuses = async (path: string, body?: unknown) =>
    (await ask(carillon.opsUrl, path, body, token)).status;
  expect(await Promise.all([statuses('check', event), statuses('dead-letters')])).toEqual([200, 200]);
  expect(await Promise.all([statuses('events', event), statuses('tokens', { user: 'a' })])).toEqual([
    403, 403,
  ]);
  const live = await askLive(carillon.opsUrl, token);
  expect(live.status).toBe(200);
  await live.body?.cancel();
});

describe('the console tells whose token came along', () => {
  test.for<[string, string | undefined, object]>([
    ['nobody', undefined, {}],
    ['whoever may look', 'admin:read', { login: { user: 'about', scopes: ['admin:read'] } }],
    [
      'whoever may more, and for other services',
      'admin:users events:write admin:read',
      { login: { user: 'about', scopes: ['admin:users', 'admin:read'] } },
    ],
    [
      'whoever may not',
      'events:write',
      {
        login: { user: 'about', scopes: [] },
        refusal: { code: 'forbidden', detail: expect.stringContaining('admin:read') },
      },
    ],
  ])('%s', async ([, scope, expected]) => {
    const token = scope === undefined ? undefined : await tokenOf('about', scope);
    const { status, answer } = await ask(carillon.opsUrl, 'about', undefined, token);
    expect([status, aboutSchema.pick({ login: true, refusal: true }).parse(answer)]).toEqual([200, expected]);
  });

  test('a token that is none', async () => {
    const { answer } = await ask(carillon.opsUrl, 'about', undefined, 'not.a.token');
    expect(answer).toMatchObject({ refusal: { code: 'unauthorized' } });
    expect(answer).not.toHaveProperty('login');
  });
});

test('with RabbitMQ away there is still the line, and the lost signal is counted', async () => {
  const dropped = async () => {
    const text = await (await fetch(`${carillon.opsUrl}/metrics`)).text();
    const [, count] = /carillon_signals_total\{type="audit",outcome="dropped"\} (\d+)/.exec(text) ?? [];
    return Number(count);
  };
  const before = await dropped();
  toRabbitMq.blackHole();
  toRabbitMq.cut();
  const token = await tokenOf('turing', 'admin:users');
  const path = 'users/ada/departments';
  expect((await admin(carillon, 'DELETE', path, { token })).status).toBe(204);
  await until('the lost signal', PATIENCE_MS, async () => (await dropped()) === before + 1);
  await until('the line', PATIENCE_MS, () => linesOf('turing').length === 1);
  toRabbitMq.heal();
});

test('SIGNALS=none publishes nothing, and the line is there', async () => {
  const quiet = await startCarillon({ JWT_SECRET, SIGNALS: 'none' });
  expect((await admin(quiet, 'DELETE', 'users/ada/departments')).status).toBe(204);
  const { stop, output, opsUrl } = quiet;
  await until('the line', PATIENCE_MS, () => output.some((line) => line.includes('"admin call"')));
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  for (const outcome of ['published', 'unrouted', 'dropped'])
    expect(text).toContain(`carillon_signals_total{type="audit",outcome="${outcome}"} 0`);
  await stop();
});
