/** Administration reaches every id that may be, however long, and whatever a client makes of its path. */
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientAddresses } from '../../../../src/edge/connections/client-addresses.ts';
import { createServer } from '../../../../src/edge/http/server.ts';
import { admin } from '../../../support/admin.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import fc from '../../../support/fast-check.ts';

let carillon: CarillonProcess;
beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET });
});
afterAll(() => carillon.stop());

/** An id in the path, which clients take `.` and `..` out of, and as a query parameter, where all of them go. */
const inPath = (user: string, rest: string) => `users/${encodeURIComponent(user)}/${rest}`;
const inQuery = (user: string, rest: string) => `users/${rest}?${new URLSearchParams({ user })}`;

const LONGEST = 'x'.repeat(128);

describe.for<[string, string, typeof inPath]>([
  ['128 characters, in the path', LONGEST, inPath],
  ['128 characters', LONGEST, inQuery],
  ['two dots', '..', inQuery],
  ['one dot', '.', inQuery],
  ['three dots, in the path', '...', inPath],
  ['all that an id may hold, in the path', 'A-Z.a_z~0@9:+-', inPath],
  ['all that an id may hold', 'A-Z.a_z~0@9:+-', inQuery],
  ['the name of a path', 'disconnect', inPath],
  ['the name of a path', 'sessions', inQuery],
])('a user of %s', ([, user, pathOf]) => {
  test('is found, moved and sent away', async () => {
    const client = connectClient(carillon.url, await tokenFor(user));
    try {
      await client.session();
      const sessions = () => admin(carillon, 'GET', pathOf(user, 'sessions'));
      await expect
        .poll(sessions)
        .toMatchObject({ status: 200, answer: { user, sessions: [{ transport: 'websocket' }] } });
      const departments = ['sales'];
      const moved = { status: 200, answer: { user, departments } };
      const path = pathOf(user, 'departments');
      expect(await admin(carillon, 'PUT', path, { body: { departments } })).toEqual(moved);
      expect(await admin(carillon, 'GET', path)).toEqual(moved);
      expect(await admin(carillon, 'DELETE', path)).toMatchObject({ status: 204 });
      expect(await admin(carillon, 'GET', path)).toMatchObject({ status: 404 });
      const notBefore = new Date(Date.now() - 60_000).toISOString();
      expect(await admin(carillon, 'POST', pathOf(user, 'disconnect'), { body: { notBefore } })).toEqual({
        status: 202,
        answer: { user, notBefore },
      });
      await expect.poll(() => client.goaways[0]).toMatchObject({ code: 'disconnected' });
    } finally {
      client.close();
    }
  });
});

test.for([`user:${LONGEST}`, 'user:..', `department:${LONGEST}`, `topic:${LONGEST}`, 'topic:..', 'global'])(
  'the audience %s is found by its path and by a parameter',
  async (audience) => {
    const headers = {
      'content-type': 'application/cloudevents+json',
      authorization: `Bearer ${await tokenFor('p', { scope: 'events:write' })}`,
    };
    const body = JSON.stringify({ specversion: '1.0', id: audience, source: '/s', type: 't', audience });
    const response = await fetch(`${carillon.url}/v1/events`, { method: 'POST', headers, body });
    expect(response.status).toBe(202);
    const found = { status: 200, answer: expect.objectContaining({ audience }) };
    const query = new URLSearchParams({ audience });
    await expect.poll(() => admin(carillon, 'GET', `audiences?${query}`)).toEqual(found);
    expect(await admin(carillon, 'GET', `audiences/${encodeURIComponent(audience)}`)).toEqual(found);
  },
);

test.for<[string, 'GET' | 'POST', string]>([
  ['a user of 129 characters', 'GET', `users/${LONGEST}x/sessions`],
  ['the same as a parameter', 'GET', `users/sessions?user=${LONGEST}x`],
  ['129 characters of three bytes', 'POST', `users/${'%E9%94%80'.repeat(129)}/disconnect`],
  ['an audience of 129', 'GET', `audiences/user:${LONGEST}x`],
  ['no audience', 'GET', 'audiences'],
  ['no user', 'GET', 'users/sessions'],
  ['two users', 'GET', 'users/sessions?user=a&user=b'],
  ['a dead letter of 128 characters', 'GET', `dead-letters/${LONGEST}`],
  ['a user of 8,000', 'GET', `users/${'x'.repeat(8_000)}/sessions`],
])('%s: refused for what it is', async ([, method, path]) => {
  expect(await admin(carillon, method, path)).toMatchObject({ status: 400, answer: { code: 'bad_request' } });
});

test('any text of 128 characters comes through a path and through a query as it is', async () => {
  const app = await createServer({
    title: 'probe',
    description: '',
    bodyLimitBytes: 1_024,
    addresses: new ClientAddresses([]),
    compresses: false,
    log: pino({ level: 'silent' }),
  });
  const seen: unknown[] = [];
  const hear = async ({ params, query }: { readonly params: unknown; readonly query: unknown }) => {
    seen.push(params, query);
    return {};
  };
  app.get('/ids/:id/end', hear);
  app.get('/ids/end', hear);
  try {
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const anyId = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 128 }),
      fc.string({
        unit: fc.constantFrom('/', '%', '.', '?', '#', '+', ';', '\\', '部', '🔔', ' '),
        minLength: 1,
      }),
      fc.constantFrom('🔔'.repeat(128), '部'.repeat(128), '%2e%2e', '..', '.'),
    );
    await fc.assert(
      fc.asyncProperty(anyId, async (id) => {
        seen.length = 0;
        const isStep = id === '.' || id === '..';
        if (!isStep) await fetch(`${url}/ids/${encodeURIComponent(id)}/end`);
        await fetch(`${url}/ids/end?${new URLSearchParams({ id })}`);
        const ofPath = isStep ? [] : [{ id }, {}];
        expect(JSON.stringify(seen)).toBe(JSON.stringify([...ofPath, {}, { id }]));
      }),
      { numRuns: 300 },
    );
  } finally {
    await app.close();
  }
});
