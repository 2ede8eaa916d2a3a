/** What one user's requests may cost a process, whichever way they come; and that nobody else notices. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, expect, test } from 'vitest';
import { tokenFor } from '../../../support/carillon.ts';
import type { TestClient } from '../../../support/client.ts';
import { ownPrograms, sharedProgram } from '../../../support/own-program.ts';
import { until } from '../../../support/until.ts';

const start = ownPrograms();

const ADA = 'user:ada';
const AT_BEGINNING = { epoch: '0', offset: 0 };
/** A few requests cost more than all that may be spent at once, and it is long until the next is allowed. */
const SMALL = {
  USER_COST_PER_SECOND: '50',
  CLIENT_MESSAGES_BURST: '200',
  CLIENT_MESSAGES_PER_SECOND: '1000',
};
const REFUSED = {
  error: { code: 'rate_limited', message: expect.stringMatching(/./), retryAfterMs: expect.any(Number) },
};

const isRefused = (answer: unknown) => JSON.stringify(answer).includes('"rate_limited"');

/** Asks for more at once than the budget allows, however quickly it comes back. */
async function spend(client: TestClient, request: string, body: (i: number) => unknown): Promise<unknown> {
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => client.ask(request, body(i))));
  return answers.find(isRefused);
}

describe('a user with a small budget', () => {
  const program = sharedProgram({ ...SMALL, HTTP_EVENTS_PER_SECOND: '1000000' });

  test.for<[string, string, (i: number, own: string) => unknown]>([
    ['marking what is nowhere', 'mark', (i) => ({ as: 'read', ids: [`nothing ${i}`] })],
    ['reading the inbox', 'inbox', () => ({ limit: 100 })],
    ['asking for the same again', 'sync', (_, own) => ({ cursors: { [`user:${own}`]: AT_BEGINNING } })],
    ['the last of a topic', 'subscribe', (_, own) => ({ topic: own, last: 100 })],
  ])(
    '%s is refused with a code when it has cost too much, and the socket stays',
    async ([, request, body]) => {
      const own = program();
      const user = `ada-${request}`;
      await own.fill(`user:${user}`, 150);
      await own.fill(`topic:${user}`, 150);
      const client = await own.connect(user, { claims: { topics: ['*'] } });
      expect(await spend(client, request, (i) => body(i, user))).toEqual(REFUSED);
      expect(await client.ask('ping', { seq: 1 })).toMatchObject({ seq: 1 });
      const neighbour = await own.connect(`bob-${request}`);
      expect(await neighbour.ask('inbox', {})).toMatchObject({ unseen: 0 });
    },
  );

  test('all sockets and HTTP requests of a user have one budget, which comes back', async () => {
    const own = program();
    await own.fill('user:eve', 150);
    const [one, other] = [await own.connect('eve'), await own.connect('eve')];
    await spend(one, 'inbox', () => ({ limit: 100 }));
    expect(await other.ask('inbox', {})).toEqual(REFUSED);
    for (const [path, body] of [['/v1/inbox'], ['/v1/inbox/marks', { as: 'seen', all: true }]] as const) {
      const response = await own.http('eve', path, body);
      expect(response.status).toBe(429);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(await response.json()).toMatchObject({ code: 'rate_limited' });
    }
    expect((await own.http('bob', '/v1/inbox')).status).toBe(200);
    await until('the budget', 120_000, async () => !isRefused(await other.ask('inbox', {})));
  }, 240_000);

  test('a client that comes back with cursors and has spent everything gets the reason, and loses nothing', async () => {
    const own = program();
    await own.fill('user:dan', 150);
    const first = await own.connect('dan');
    // What costs most: it is long until the budget comes back.
    expect(await spend(first, 'inbox', () => ({ limit: 100 }))).toEqual(REFUSED);
    const cursors = { 'user:dan': AT_BEGINNING };
    const back = await own.connect('dan', { auth: { cursors } });
    expect((await back.session()).missed).toMatchObject({
      'user:dan': { recovered: false, head: 150, notifications: [], reason: 'rate_limited' },
    });
    const missed = { audiences: { 'user:dan': { recovered: true, head: 150 } } };
    await until('the budget', 120_000, async () => {
      const answer = await back.ask('sync', { cursors, partial: true });
      if (!isRefused(answer)) expect(answer).toMatchObject(missed);
      return !isRefused(answer);
    });
  }, 240_000);
});

test('a burst of requests as an app sends them is answered, each of them', async () => {
  const own = await start({ CLIENT_MESSAGES_BURST: '200' });
  await own.fill(ADA, 150);
  const clients = await Promise.all([1, 2, 3].map(() => own.connect('ada')));
  const answers = await Promise.all(
    clients.flatMap((client) =>
      Array.from({ length: 15 }, (_, i) => client.ask('mark', { as: 'read', ids: [`e${i + 1}`] })),
    ),
  );
  for (const answer of answers) expect(answer).toMatchObject({ version: expect.any(Number) });
});

test('what a client publishes counts as what its user publishes over HTTP', async () => {
  const own = await start({ HTTP_EVENTS_PER_SECOND: '3', CLIENT_MESSAGES_BURST: '200' });
  const client = await own.connect('ada', { claims: { publish: ['*'] } });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => client.ask('publish', { topic: 'chat', type: 'chat.said', data: {} })),
  );
  expect(answers.some((answer) => !isRefused(answer))).toBe(true);
  expect(answers.find(isRefused)).toEqual(REFUSED);
  expect(await client.ask('ping', { seq: 1 })).toMatchObject({ seq: 1 });
});

test('an answer over HTTP that nobody takes is given up, and the connection with it', async () => {
  const own = await start({
    ANSWER_MAX_BYTES: '134217728',
    PENDING_MAX_BYTES: '268435456',
    EVENT_MAX_BYTES: '4194304',
  });
  const authorization = `Bearer ${await tokenFor('producer', { scope: 'events:write' })}`;
  const data = { text: 'x'.repeat(4_000_000) };
  for (let i = 0; i < 8; i += 1) {
    const response = await fetch(`${own.carillon.url}/v1/events`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({
        ...{ specversion: '1.0', id: `${i}`, source: '/test', type: 'test.made' },
        ...{ audience: ADA, data },
      }),
    });
    expect(response.status).toBe(202);
  }
  const { hostname, port } = new URL(own.carillon.url);
  const stream = connectTcp(Number(port), hostname);
  stream.on('error', () => {});
  const request = [
    'GET /v1/inbox HTTP/1.1',
    `Host: ${hostname}`,
    `Authorization: Bearer ${await tokenFor('ada')}`,
  ];
  stream.write(`${request.join('\r\n')}\r\n\r\n`);
  await once(stream, 'readable');
  await until('the end of it', 40_000, () => own.carillon.output.join().includes('answer not taken'));
  const closed = once(stream, 'close');
  stream.resume();
  await closed;
}, 240_000);
