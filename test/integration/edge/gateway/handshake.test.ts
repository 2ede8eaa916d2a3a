/** Who gets in: tokens, origins, transports, and what a session begins and ends with. */
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { type ClientOptions, connectClient, refusalOf, type TestClient } from '../../../support/client.ts';

let carillon: CarillonProcess;
let clients: TestClient[] = [];

beforeAll(async () => {
  carillon = await startCarillon({
    JWT_SECRET,
    ALLOWED_ORIGINS: 'https://app.example',
    JWT_CLOCK_SKEW_SECONDS: '0',
  });
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(() => carillon.stop());

function connect(token: string | undefined, options?: ClientOptions): TestClient {
  const client = connectClient(carillon.url, token, options);
  clients.push(client);
  return client;
}

const UNAUTHORIZED = { message: 'unauthorized', data: { code: 'unauthorized' } };

describe('a session', () => {
  test.for([['websocket'], ['polling'], ['polling', 'websocket']] as const)('over %s', async (transports) => {
    const client = connect(await tokenFor('ada', { departments: ['sales'] }), {
      transports: [...transports],
    });
    const session = await client.session();
    expect(session).toMatchObject({ user: 'ada', departments: ['sales'], session: client.socket.id });
    expect(session.audiences).toEqual({
      'user:ada': { epoch: '0', head: 0 },
      'department:sales': { epoch: '0', head: 0 },
      global: { epoch: '0', head: 0 },
    });
    expect(client.names).toEqual(['session']);
  });

  test('with the token in the Authorization header', async () => {
    const client = connect(undefined, { headers: { authorization: `Bearer ${await tokenFor('bob')}` } });
    expect(await client.session()).toMatchObject({ user: 'bob' });
  });

  test('ends with its token, and says so', async () => {
    // Longer than a handshake takes on a busy machine.
    const client = connect(await tokenFor('ada', {}, 8));
    await client.session();
    await new Promise((resolve) => client.socket.once('disconnect', resolve));
    expect(client.goaways).toEqual([{ code: 'token_expired', reconnect: true, retryAfterMs: 0 }]);
  });

  test('answers requests, whatever they are, and lives on', async () => {
    const client = connect(await tokenFor('ada', { topics: ['ticker.*'] }));
    const answers = {
      ping: await client.ask('ping', { seq: 7 }),
      'ping without a body': await client.socket.timeout(20_000).emitWithAck('ping'),
      unknown: await client.ask('nonsense', {}),
      malformed: await client.ask('subscribe', { topic: 'a,b' }),
      'not an object': await client.ask('subscribe', 'ticker.x'),
      forbidden: await client.ask('subscribe', { topic: 'secret' }),
      'not subscribed': await client.ask('unsubscribe', { topic: 'ticker.x' }),
      subscribed: await client.ask('subscribe', { topic: 'ticker.x' }),
    };
    expect(answers).toMatchObject({
      ping: { seq: 7, serverTime: expect.any(String) },
      'ping without a body': { serverTime: expect.any(String) },
      unknown: { error: { code: 'unknown_request' } },
      malformed: { error: { code: 'bad_request', message: expect.stringContaining('topic') } },
      'not an object': { error: { code: 'bad_request' } },
      forbidden: { error: { code: 'forbidden' } },
      'not subscribed': { error: { code: 'not_subscribed' } },
      subscribed: { audience: 'topic:ticker.x', epoch: '0', head: 0 },
    });
    expect(client.socket.connected).toBe(true);
  });
});

describe('no session', () => {
  const soon = () => Math.floor(Date.now() / 1000) + 600;
  const secret = (text: string) => new TextEncoder().encode(text);
  const signed = (claims: Record<string, unknown>, key = JWT_SECRET) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret(key));

  test.for<[string, () => Promise<string | undefined>]>([
    ['without a token', async () => undefined],
    ['with nonsense', async () => 'nonsense'],
    ['with alg none', async () => new UnsecuredJWT({ sub: 'ada', exp: soon() }).encode()],
    [
      'with another key',
      () => signed({ sub: 'ada', exp: soon() }, 'another-secret-of-more-than-32-characters'),
    ],
    ['expired', () => signed({ sub: 'ada', exp: soon() - 3_600 })],
    ['without exp', () => signed({ sub: 'ada' })],
    ['without sub', () => signed({ exp: soon() })],
    ['with a sub that no audience can have', () => signed({ sub: 'a}b', exp: soon() })],
    ['not yet valid', () => signed({ sub: 'ada', exp: soon(), nbf: soon() - 60 })],
    [
      'signed with another algorithm',
      async () => {
        const { privateKey } = await generateKeyPair('RS256');
        return await new SignJWT({ sub: 'ada', exp: soon() })
          .setProtectedHeader({ alg: 'RS256' })
          .sign(privateKey);
      },
    ],
  ])('%s', async ([, makeToken]) => {
    const client = connect(await makeToken());
    expect(await refusalOf(client)).toMatchObject(UNAUTHORIZED);
  });

  test('in another namespace', async () => {
    const client = connectClient(`${carillon.url}/admin`, await tokenFor('ada'));
    clients.push(client);
    expect(await refusalOf(client)).toMatchObject({ message: 'Invalid namespace' });
  });
});

describe('origins', () => {
  const host = () => new URL(carillon.url).host;

  test.for<[string, () => string, ('polling' | 'websocket')[], boolean]>([
    ['an allowed page', () => 'https://app.example', ['websocket'], true],
    ['an allowed page', () => 'https://app.example', ['polling'], true],
    ['a page of the own host', () => `http://${host()}`, ['websocket'], true],
    ['another page', () => 'https://evil.example', ['websocket'], false],
    ['another page', () => 'https://evil.example', ['polling'], false],
    ['a page that only looks alike', () => 'https://app.example.evil.example', ['websocket'], false],
    ['a page without an origin of its own', () => 'null', ['websocket'], false],
  ])('%s: %s over %s', async ([, origin, transports, isAllowed]) => {
    const client = connect(await tokenFor('ada'), { transports, headers: { origin: origin() } });
    if (isAllowed) expect(await client.session()).toMatchObject({ user: 'ada' });
    else expect((await refusalOf(client)).message).toMatch(/websocket error|xhr poll error/);
  });
});
