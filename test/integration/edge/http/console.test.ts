/** The console over HTTP, embedded and real: its page, and what one can ask of it. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { checkAnswerSchema } from '../../../../src/contract/console.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { ask, startReal, tokenIn } from '../../../support/console.ts';
import { madeEvent } from '../../../support/producer.ts';
import { temporaryFile } from '../../../support/temporary-file.ts';

/** Another user for each test: what one was sent must not come to the next. */
let users = 0;
function newUser(): string {
  users += 1;
  return `ada-${users}`;
}

const routes = () =>
  temporaryFile(
    'routes.yaml',
    `routes:
  - type: order.*
    audience: ["user:{data.customers}"]
  - type: order.named
    display: { title: { en: "It is {data.name}", zh: "这是 {data.name}" } }
`,
  );

describe.for(['embedded', 'real'] as const)('%s', (mode) => {
  let carillon: CarillonProcess;
  /** Where the console is. */
  let origin: string;
  let token: string | undefined;

  beforeAll(async () => {
    const ROUTES_FILE = routes();
    carillon =
      mode === 'embedded'
        ? await startCarillon({ ROUTES_FILE })
        : await startReal({
            ROUTES_FILE,
            JWT_SECRET,
            CONSOLE: 'true',
            JWT_ISSUER: 'https://id.example',
            JWT_AUDIENCE: 'carillon',
          });
    origin = mode === 'embedded' ? carillon.url : carillon.opsUrl;
    token =
      mode === 'embedded'
        ? undefined
        : await tokenFor('operator', { scope: 'admin', iss: 'https://id.example', aud: 'carillon' });
  });
  afterAll(() => carillon?.stop());

  const post = (path: string, body: unknown) => ask(origin, path, body, token);

  async function connectedDevice(user: string) {
    const made = await post('tokens', {
      user,
      departments: ['sales'],
      topics: ['chat.*'],
      publish: ['chat.*'],
    });
    const client = connectClient(carillon.url, tokenIn(made));
    onTestFinished(() => client.close());
    return { client, made, session: await client.session() };
  }

  test('says what it is, without a token', async () => {
    expect(await ask(origin, 'about')).toEqual({
      status: 200,
      answer: {
        mode,
        version: '0.1.0',
        node: expect.stringMatching(/./),
        gatewayPort: Number(new URL(carillon.url).port),
        canSign: true,
        roles: ['gateway', 'consumer'],
      },
    });
  });

  test('its page needs no token, and may connect to the gateway and to nowhere else', async () => {
    const response = await fetch(`${origin}${mode === 'embedded' ? '/' : '/console'}`);
    expect(response.status).toBe(200);
    expect(response.url).toBe(`${origin}${mode === 'embedded' ? '/' : '/console/'}`);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    const { host } = new URL(carillon.url);
    const gateway = mode === 'embedded' ? '' : `http://${host} https://${host} `;
    expect(response.headers.get('content-security-policy')).toContain(
      `connect-src 'self' ${gateway}ws: wss:;`,
    );
    const page = await response.text();
    const [script = ''] = /(?<=src="\.\/)[^"]+/.exec(page) ?? [];
    const asset = await fetch(new URL(script, response.url));
    expect([asset.status, asset.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/javascript/),
    ]);
  });

  test('its tokens are those of the user that was asked for, for an hour, and without any scope', async () => {
    const user = newUser();
    const { client, made, session } = await connectedDevice(user);
    expect(made).toEqual({
      status: 200,
      answer: { token: expect.any(String), expiresAt: expect.any(String) },
    });
    expect(session).toMatchObject({ user, departments: ['sales'] });
    expect(await client.ask('subscribe', { topic: 'chat.1' })).toMatchObject({ audience: 'topic:chat.1' });
    expect(await client.ask('subscribe', { topic: 'other' })).toMatchObject({ error: { code: 'forbidden' } });
    const expiresInMs = Date.parse(session.expiresAt) - Date.now();
    expect(expiresInMs).toBeGreaterThan(3_500_000);
    expect(expiresInMs).toBeLessThanOrEqual(3_600_000);
    const asProducer = await fetch(`${carillon.url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokenIn(made)}`, 'content-type': 'application/json' },
      body: JSON.stringify(madeEvent('1', { audience: 'global' })),
    });
    expect(asProducer.status).toBe(403);
  });

  test.for([
    [{}],
    [{ user: 'a}b' }],
    [{ user: 'ada', topics: 'all' }],
    [{ user: 'ada', departments: ['a,b'] }],
  ])('no token from %j', async ([body]) => {
    expect(await post('tokens', body)).toMatchObject({ status: 400, answer: { code: 'bad_request' } });
  });

  test('an event that it sends arrives', async () => {
    const user = newUser();
    const { client } = await connectedDevice(user);
    const event = madeEvent(`sent-${user}`, { audience: [`user:${user}`] });
    expect(await post('events', event)).toEqual({ status: 202, answer: { accepted: 1 } });
    const [notification] = await client.received(1);
    expect(notification).toMatchObject({ id: `sent-${user}`, audience: `user:${user}` });
  });

  test('who would get an event is named, the first twenty of them, and nobody gets it', async () => {
    const user = newUser();
    const { client } = await connectedDevice(user);
    const named = madeEvent('named', { audience: [`user:${user}`, 'global', `user:${user}`] });
    expect(await post('check', named)).toEqual({
      status: 200,
      answer: {
        audiences: [`user:${user}`, 'global'],
        count: 2,
        title: expect.objectContaining({ from: expect.any(String) }),
      },
    });
    const customers = [user, ...Array.from({ length: 30 }, (_, i) => `c${i}`)];
    const routed = madeEvent('routed', { type: 'order.paid', data: { customers } });
    expect(await post('check', routed)).toEqual({
      status: 200,
      answer: {
        audiences: customers.slice(0, 20).map((id) => `user:${id}`),
        count: 31,
        route: 'order.*',
        title: { text: 'Order paid', from: 'type' },
      },
    });
    await post('events', madeEvent('last', { audience: `user:${user}` }));
    const [first] = await client.received(1);
    expect(first?.id).toBe('last');
  });

  test('what a bell would show is told in the languages of the request, with the route that says it', async () => {
    const titleOf = async (more: Parameters<typeof madeEvent>[1], languages = 'en') => {
      const response = await fetch(`${origin}/console/check`, {
        method: 'POST',
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          'content-type': 'application/json',
          'accept-language': languages,
        },
        body: JSON.stringify(madeEvent('shown', { audience: 'global', ...more })),
      });
      return checkAnswerSchema.parse(await response.json()).title;
    };
    const named = { type: 'order.named', data: { name: 'N', title: 'not shown' } };
    const english = { text: 'It is N', language: 'en', from: 'route', route: 'order.named' };
    expect(await titleOf(named)).toEqual(english);
    expect(await titleOf(named, 'zh-CN, en')).toEqual({ ...english, text: '这是 N', language: 'zh' });
    expect(await titleOf({ ...named, data: { title: 'Own' } })).toEqual({ text: 'Own', from: 'data' });
    expect(await titleOf({ type: 'carillon.retract', data: { id: '1' } })).toBeUndefined();
  });

  test.for<[string, unknown, number, string, string | undefined]>([
    ['nobody', { type: 'unknown.type' }, 422, 'no_audience', 'audience'],
    ['a malformed audience', { audience: ['user:1', 'usr:2'] }, 422, 'invalid_audience', 'audience[1]'],
    ["Carillon's own topic", { audience: 'topic:carillon.x' }, 422, 'invalid_audience', 'audience'],
    ['a missing field', { type: 'order.paid' }, 422, 'invalid_event', undefined],
    ['malformed data', { audience: 'global', data: [] }, 422, 'invalid_event', 'data'],
    ['the past', { audience: 'global', expirytime: '2020-01-01T00:00:00Z' }, 422, 'expired', 'expirytime'],
  ])('an event for %s is refused alike when it is checked and when it is sent', async (refused) => {
    const [, attributes, status, code, path] = refused;
    const event = { ...madeEvent('bad'), ...Object(attributes) };
    const [checked, sent] = await Promise.all([post('check', event), post('events', event)]);
    expect(checked).toMatchObject({ status, answer: path === undefined ? { code } : { code, path } });
    expect(sent).toEqual(checked);
  });

  test('one event is checked at a time, and it must be JSON', async () => {
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      'content-type': 'application/cloudevents-batch+json',
    };
    const body = JSON.stringify([1, 2].map((id) => madeEvent(String(id), { audience: 'global' })));
    const response = await fetch(`${origin}/console/check`, { method: 'POST', headers, body });
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'bad_request' }),
    ]);
    const bytes = await fetch(`${origin}/console/check`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{"specversion":',
    });
    expect([bytes.status, await bytes.json()]).toEqual([400, expect.objectContaining({ code: 'not_json' })]);
  });

  test('the other port knows nothing of it', async () => {
    const other = mode === 'embedded' ? carillon.opsUrl : carillon.url;
    for (const path of ['about', 'live', '', 'index.html'])
      expect((await ask(other, path, undefined, token)).status).toBe(404);
    for (const path of ['tokens', 'events', 'check'])
      expect((await ask(other, path, {}, token)).status).toBe(404);
  });
});
