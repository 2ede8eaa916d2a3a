/** Calls by operators: who may make them, from which pages, and what is recorded of each, however it ends. */
import { connect } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import type { AuditRecord } from '../../../../src/contract/audit.ts';
import type { Signals } from '../../../../src/contract/signal.ts';
import { noToken, type Verify } from '../../../../src/contract/token.ts';
import { ClientAddresses } from '../../../../src/edge/connections/client-addresses.ts';
import { guardAdminCalls } from '../../../../src/edge/http/admin-calls.ts';
import { AuditTrail } from '../../../../src/edge/http/audit.ts';
import { createServer } from '../../../../src/edge/http/server.ts';
import { createLog } from '../../../../src/observe/log.ts';
import { until } from '../../../support/until.ts';

/** A token is its scopes with commas between them. */
const verify: Verify = async (token) =>
  token === 'bad'
    ? noToken
    : {
        ok: true,
        identity: {
          user: 'grace',
          departments: [],
          topics: [],
          publish: [],
          scopes: token.split(','),
          audiences: undefined,
          issuedAtMs: 0,
          expiresAtMs: 0,
          tokenId: 't1',
        },
      };

const bodySchema = z.object({ ids: z.array(z.string()).max(3), secret: z.string().optional() });

interface Subject {
  readonly url: string;
  readonly records: readonly AuditRecord[];
  readonly lines: readonly Record<string, unknown>[];
}

async function serving(level = 'info', more: (app: FastifyInstance) => void = () => {}): Promise<Subject> {
  const records: AuditRecord[] = [];
  const lines: Record<string, unknown>[] = [];
  const signals: Signals = {
    wants: () => true,
    emit: (name, data) => {
      if (name === 'audit' && 'action' in data) records.push(data);
    },
  };
  const log = createLog({
    level,
    redact: [],
    destination: {
      write: (line: string) => {
        if (line.includes('"admin call')) lines.push(JSON.parse(line));
      },
    },
  });
  const app = await createServer({
    title: '',
    description: '',
    bodyLimitBytes: 1_000,
    addresses: new ClientAddresses(['127.0.0.1']),
    compresses: false,
    log,
  });
  app.register(async (scope) => {
    guardAdminCalls(scope, { verify, audit: new AuditTrail({ node: 'n1', log, signals }) });
    const routes = scope.withTypeProvider<ZodTypeProvider>();
    const reading = {
      adminCall: { action: 'users.sessions', scopes: ['admin:read', 'admin:users'] },
    } as const;
    routes.get(
      '/admin/users/:user',
      { config: reading, schema: { querystring: z.object({ source: z.string().optional() }) } },
      async () => ({ read: true }),
    );
    routes.post(
      '/admin/discard',
      {
        config: {
          adminCall: { action: 'dead-letters.discard', scopes: ['admin:dead-letters'], recorded: ['ids'] },
        },
        schema: { body: bodySchema },
      },
      async () => ({ done: true }),
    );
    routes.get(
      '/admin/slow',
      { config: { adminCall: { action: 'users.disconnect', scopes: ['admin:users'] } } },
      async ({ raw }) => {
        const gone = new Promise((resolve) => raw.socket.once('close', resolve));
        begin();
        await gone;
        return { done: true };
      },
    );
    routes.get(
      '/admin/harmless',
      { config: { adminCall: { action: 'console.count', scopes: ['admin:read'], isHarmless: true } } },
      async () => ({ count: 1 }),
    );
    more(scope);
  });
  onTestFinished(() => app.close());
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, records, lines };
}

/** Of the one call of `/admin/slow`, which is answered when its caller has gone. */
let begin = () => {};
const begun = new Promise<void>((resolve) => {
  begin = resolve;
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const json = { 'content-type': 'application/json' };
const statusOf = async (url: string, init: RequestInit) => {
  const response = await fetch(url, init);
  await response.text();
  return response.status;
};

test('a route that does not say which scope it needs cannot be registered', async () => {
  const silent = serving('info', (app) => {
    app.get('/admin/silent', async () => ({}));
  });
  await expect(silent).rejects.toThrow('GET /admin/silent has no adminCall in its config');
});

describe('scopes:', () => {
  test.for<[string, number]>([
    ['admin:read', 200],
    ['admin:users', 200],
    ['admin', 200],
    ['events:write,admin:read', 200],
    ['admin:dead-letters', 403],
    ['admin:reader', 403],
    ['administrator', 403],
    ['events:write', 403],
  ])('%s gets %i', async ([scopes, status]) => {
    const { url } = await serving();
    expect(await statusOf(`${url}/admin/users/ada`, { headers: bearer(scopes) })).toBe(status);
  });

  test('who lacks one is told the least that would do', async () => {
    const { url } = await serving();
    const response = await fetch(`${url}/admin/users/ada`, { headers: bearer('admin:erase') });
    expect(await response.json()).toMatchObject({
      status: 403,
      code: 'forbidden',
      scope: 'admin:read',
      detail: 'the token lacks the scope admin:read',
    });
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_scope", scope="admin:read"',
    );
  });
});

describe('a page', () => {
  const foreign = 'https://evil.example';

  test.for<[string, (host: string) => Record<string, string>, number]>([
    ['of this origin', (host) => ({ 'sec-fetch-site': 'same-origin', origin: `https://${host}` }), 200],
    ['of this origin, whose host a proxy replaced', () => ({ 'sec-fetch-site': 'same-origin' }), 200],
    ['whose address was typed in', () => ({ 'sec-fetch-site': 'none' }), 200],
    ['of this host, in an old browser', (host) => ({ origin: `http://${host}` }), 200],
    ['of this host behind TLS, in an old browser', (host) => ({ origin: `https://${host}` }), 200],
    ['that is none, but a program', () => ({}), 200],
    ['of another site', () => ({ 'sec-fetch-site': 'cross-site', origin: foreign }), 403],
    ['of another host of the domain', () => ({ 'sec-fetch-site': 'same-site' }), 403],
    ['of another site, in an old browser', () => ({ origin: foreign }), 403],
    ['of another port, in an old browser', (host) => ({ origin: `http://${host.split(':')[0]}:1` }), 403],
    ['in a sandbox', () => ({ origin: 'null' }), 403],
    ['whose browser says what nobody knows', () => ({ 'sec-fetch-site': 'elsewhere' }), 403],
  ])('%s', async ([, headersAt, status]) => {
    const { url, records } = await serving();
    const headers = { ...bearer('admin'), ...json, ...headersAt(new URL(url).host) };
    const answered = await statusOf(`${url}/admin/discard`, { method: 'POST', headers, body: '{"ids":[]}' });
    expect(answered).toBe(status);
    const refused = { actor: 'grace', refusal: 'origin', status: 403 };
    expect(records).toMatchObject([status === 403 ? refused : { scope: 'admin', status: 200 }]);
    if (status === 403) expect(records[0]).not.toHaveProperty('scope');
  });

  test.for(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'that sends a form as %s is not read',
    async (type) => {
      const { url } = await serving();
      const headers = { ...bearer('admin'), 'content-type': type };
      const init = { method: 'POST', headers, body: '{"ids":["a"]}' };
      expect(await statusOf(`${url}/admin/discard`, init)).toBe(415);
    },
  );
});

describe('recorded is', () => {
  const common = { node: 'n1', address: '10.1.2.3', query: {}, body: {} };
  const from = { 'x-forwarded-for': '10.1.2.3' };

  test('who asked for what, by which right, and how it was answered', async () => {
    const { url, records, lines } = await serving();
    const headers = { ...bearer('admin,admin:read'), ...from };
    await statusOf(`${url}/admin/users/a%20b?source=%2Fshop&access_token=hidden`, { headers });
    const record = {
      ...common,
      action: 'users.sessions',
      actor: 'grace',
      tokenId: 't1',
      scope: 'admin:read',
      method: 'GET',
      route: '/admin/users/{user}',
      target: { user: 'a b', source: '/shop' },
      query: { source: '/shop' },
      status: 200,
    };
    expect(records).toEqual([record]);
    expect(lines).toMatchObject([{ ...record, level: 'info', msg: 'admin call' }]);
    expect(JSON.stringify(lines)).not.toContain('hidden');
  });

  test('of a body what its route names, if it is valid', async () => {
    const { url, records } = await serving();
    const post = (body: object) =>
      statusOf(`${url}/admin/discard`, {
        method: 'POST',
        headers: { ...bearer('admin:dead-letters'), ...json },
        body: JSON.stringify(body),
      });
    expect(await post({ ids: ['a', 'b'], secret: 'hidden' })).toBe(200);
    expect(await post({ ids: ['a', 'b', 'c', 'd'] })).toBe(400);
    expect(await post({ ids: 'x'.repeat(2_000) })).toBe(413);
    expect(records).toMatchObject([
      { body: { ids: ['a', 'b'] }, status: 200 },
      { body: {}, status: 400, scope: 'admin:dead-letters' },
      { body: {}, status: 413 },
    ]);
    expect(JSON.stringify(records)).not.toContain('hidden');
  });

  test('who was refused, and why', async () => {
    const { url, records, lines } = await serving();
    for (const headers of [{}, bearer('bad'), bearer('events:write')])
      await statusOf(`${url}/admin/users/ada?access_token=hidden`, { headers: { ...headers, ...from } });
    const call = { ...common, action: 'users.sessions', method: 'GET', route: '/admin/users/{user}' };
    const target = { user: 'ada' };
    const unauthorized = { ...call, target, refusal: 'unauthorized', status: 401 };
    const known = { actor: 'grace', tokenId: 't1' };
    expect(records).toEqual([
      unauthorized,
      unauthorized,
      { ...call, ...known, target, refusal: 'forbidden', status: 403 },
    ]);
    expect(lines.filter(({ msg }) => msg === 'admin call refused')).toHaveLength(3);
  });

  test('no more of an id than the longest has', async () => {
    const { url, records } = await serving();
    await statusOf(`${url}/admin/users/${'x'.repeat(9_000)}`, {});
    expect(records).toMatchObject([{ target: { user: 'x'.repeat(256) } }]);
  });

  test('what harms nobody only when it is refused', async () => {
    const { url, records } = await serving();
    expect(await statusOf(`${url}/admin/harmless`, { headers: bearer('admin:read') })).toBe(200);
    expect(await statusOf(`${url}/admin/harmless`, { headers: bearer('admin:users') })).toBe(403);
    expect(records).toMatchObject([{ action: 'console.count', status: 403 }]);
  });

  test('a call whose caller does not wait for the answer', async () => {
    const { url, records } = await serving();
    const { port } = new URL(url);
    const caller = connect(Number(port), '127.0.0.1');
    caller.write('GET /admin/slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin:users\r\n\r\n');
    await begun;
    caller.resetAndDestroy();
    await until('the record', 20_000, () => records.length > 0);
    expect(records).toMatchObject([{ action: 'users.disconnect', actor: 'grace', status: 200 }]);
  });

  test.for<[string, number]>([
    ['error', 1],
    ['fatal', 1],
    ['silent', 0],
  ])('a line whatever LOG_LEVEL is: %s', async ([level, count]) => {
    const { url, lines } = await serving(level);
    await statusOf(`${url}/admin/users/ada`, { headers: bearer('admin:read') });
    expect(lines.map(({ msg }) => msg)).toEqual(Array<string>(count).fill('admin call'));
  });
});
