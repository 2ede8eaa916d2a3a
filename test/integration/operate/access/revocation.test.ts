/** An operator disconnects a user: on every node, at once, and with a revocation for good. */
import { SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { connectClient, refusalOf, type TestClient } from '../../../support/client.ts';
import { type Stack, startStack } from '../../../support/stack.ts';

let stack: Stack;
let clients: TestClient[] = [];
beforeAll(async () => {
  stack = await startStack();
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(() => stack.stop());

function connect(url: string, token: string): TestClient {
  const client = connectClient(url, token);
  clients.push(client);
  return client;
}

/** On the first gateway, the second, and the second again. */
async function threeDevices(token: string): Promise<TestClient[]> {
  const [first, second] = stack.gateways.map(({ url }) => url);
  const devices = [first, second, second].map((url = '') => connect(url, token));
  await Promise.all(devices.map((device) => device.session()));
  return devices;
}

const goawayOf = (client: TestClient) => expect.poll(() => client.goaways[0]).toBeDefined();

async function admin(
  { opsUrl }: Pick<CarillonProcess, 'opsUrl'>,
  path: string,
  body?: unknown,
  bearer?: string,
) {
  const token = bearer ?? (await tokenFor('operator', { scope: 'admin' }));
  const response = await fetch(`${opsUrl}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  return { status: response.status, answer };
}

/** A token that was issued so long ago. */
const olderToken = (user: string, seconds: number) =>
  new SignJWT({ sub: user })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt(`${seconds} seconds ago`)
    .setExpirationTime('1 hour')
    .sign(new TextEncoder().encode(JWT_SECRET));

describe('a disconnect', () => {
  test('closes all connections of the user and nobody else, and they may come back', async () => {
    const token = await tokenFor('ada');
    const devices = await threeDevices(token);
    const [neighbour] = await threeDevices(await tokenFor('bob'));
    // Of a process that has no connections itself.
    expect(await admin(stack.consumer, '/admin/users/ada/disconnect')).toEqual({
      status: 202,
      answer: { user: 'ada' },
    });
    await Promise.all(devices.map(goawayOf));
    expect(devices.map(({ goaways }) => goaways)).toEqual(
      devices.map(() => [{ code: 'disconnected', reconnect: true, retryAfterMs: expect.any(Number) }]),
    );
    expect(await neighbour?.ask('ping', { seq: 1 })).toMatchObject({ seq: 1 });
    await threeDevices(token);
  });

  test('with notBefore also refuses older tokens, everywhere and after a restart, and takes newer ones', async () => {
    const old = await olderToken('eve', 60);
    const devices = await threeDevices(old);
    const notBefore = new Date(Date.now() - 1_000).toISOString();
    const [gateway] = stack.gateways;
    if (gateway === undefined) throw new Error('no gateway');
    expect(await admin(gateway, '/admin/users/eve/disconnect', { notBefore })).toEqual({
      status: 202,
      answer: { user: 'eve', notBefore },
    });
    await Promise.all(devices.map(goawayOf));
    expect(devices.map(({ goaways }) => goaways)).toEqual(
      devices.map(() => [{ code: 'token_revoked', reconnect: false, retryAfterMs: 0 }]),
    );
    const started = await startCarillon({ ...stack.environment, ROLES: 'gateway' });
    for (const { url } of [...stack.gateways, started]) {
      expect(await refusalOf(connect(url, old))).toMatchObject({ data: { code: 'unauthorized' } });
      const inbox = await fetch(`${url}/v1/inbox`, { headers: { authorization: `Bearer ${old}` } });
      expect(inbox.status).toBe(401);
    }
    const fresh = connect(started.url, await tokenFor('eve'));
    expect(await fresh.session()).toMatchObject({ user: 'eve' });
    expect(await fresh.ask('authenticate', { token: old })).toMatchObject({
      error: { code: 'unauthorized' },
    });
    await started.stop();
  });

  test.for<[string, number, string]>([
    ['from the future', 1, 's in the future'],
    ['with times in milliseconds', 1_000, 'it is in milliseconds'],
  ])('with notBefore is not evaded by a token %s, over socket or HTTP', async ([, factor, reason]) => {
    const [gateway] = stack.gateways;
    if (gateway === undefined) throw new Error('no gateway');
    const notBefore = new Date(Date.now() - 1_000).toISOString();
    await admin(gateway, '/admin/users/mia/disconnect', { notBefore });
    const iat = Math.floor(Date.now() / 1000) + 600;
    const evading = await new SignJWT({ sub: 'mia', iat: iat * factor, exp: (iat + 3_600) * factor })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(JWT_SECRET));
    const told = () => gateway.output.filter((line) => line.includes(reason)).length;
    expect(await refusalOf(connect(gateway.url, evading))).toMatchObject({ data: { code: 'unauthorized' } });
    await expect.poll(told).toBe(1);
    const headers = { authorization: `Bearer ${evading}` };
    const refused = await fetch(`${gateway.url}/v1/inbox`, { headers });
    expect([refused.status, await refused.json()]).toEqual([
      401,
      expect.objectContaining({ code: 'unauthorized' }),
    ]);
    await expect.poll(told).toBe(2);
    const fresh = connect(gateway.url, await tokenFor('mia'));
    await fresh.session();
    expect(await fresh.ask('authenticate', { token: evading })).toMatchObject({
      error: { code: 'unauthorized' },
    });
  });

  test('with notBefore sends a device with a newer token away only for the moment', async () => {
    const device = connect(stack.gateways[0]?.url ?? '', await tokenFor('kay'));
    await device.session();
    const notBefore = new Date(Date.now() - 60_000).toISOString();
    await admin(stack.consumer, '/admin/users/kay/disconnect', { notBefore });
    await goawayOf(device);
    expect(device.goaways[0]).toMatchObject({ code: 'disconnected', reconnect: true });
  });

  test('with Redis away nothing is changed and 503 is said, and after it the same works', async () => {
    const old = await olderToken('lea', 60);
    const [device] = await threeDevices(old);
    const notBefore = new Date().toISOString();
    await stack.redis.kill();
    expect(await admin(stack.consumer, '/admin/users/lea/disconnect', { notBefore })).toMatchObject({
      status: 503,
      answer: { code: 'redis_unavailable' },
    });
    await stack.redis.restart();
    await expect.poll(() => isReady(stack.consumer)).toBe(true);
    expect(device?.goaways).toEqual([]);
    expect(await admin(stack.consumer, '/admin/users/lea/disconnect', { notBefore })).toMatchObject({
      status: 202,
    });
    if (device !== undefined) await goawayOf(device);
  });
});

describe('is refused', () => {
  const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString();
  test.for<[string, string, () => unknown, number, object]>([
    ['a moment that is none', '/admin/users/ada/disconnect', () => ({ notBefore: 'soon' }), 400, {}],
    ['a moment to come', '/admin/users/ada/disconnect', () => ({ notBefore: tomorrow() }), 400, {}],
    ['no JSON', '/admin/users/ada/disconnect', () => '{', 400, {}],
    ['a user that cannot be', '/admin/users/a%7Db/disconnect', () => ({}), 400, {}],
    ['what is not there', '/admin/users/ada/promote', () => ({}), 404, {}],
  ])('%s', async ([, path, body, status]) => {
    const refused = await admin(stack.consumer, path, body());
    expect(refused).toMatchObject({ status, answer: { status, detail: expect.stringMatching(/./) } });
  });

  test('a token without the scope, or none', async () => {
    const path = '/admin/users/ada/disconnect';
    const writer = await tokenFor('a-service', { scope: 'events:write' });
    expect(await admin(stack.consumer, path, {}, writer)).toMatchObject({ status: 403 });
    expect(await admin(stack.consumer, path, {}, 'none')).toMatchObject({ status: 401 });
  });

  test('everything on the public port', async () => {
    for (const { url } of stack.gateways) {
      expect(await admin({ opsUrl: url }, '/admin/users/ada/disconnect')).toMatchObject({ status: 404 });
    }
  });
});
