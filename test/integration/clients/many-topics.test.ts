/** Many topics of one client: in few messages, each answered by itself, and again after a loss without a hole. */
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../src/clients/client/connect.ts';
import { FIXED_LIMITS } from '../../../src/contract/client-limits.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../support/carillon.ts';
import { Checker, flawless } from '../../support/checker.ts';
import { connectClient, type TestClient } from '../../support/client.ts';
import { scrape, sumOf } from '../../support/scrape.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';

const TIMEOUT_MS = 40_000;
const BATCH = 200;

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function start(more: Record<string, string> = {}): Promise<CarillonProcess> {
  const carillon = await startCarillon({ JWT_SECRET, HTTP_EVENTS_PER_SECOND: '100000', ...more });
  onTestFinished(async () => void (await carillon.stop()));
  return carillon;
}

async function publish({ url }: CarillonProcess, events: readonly unknown[]): Promise<void> {
  const authorization = `Bearer ${await tokenFor('producer', { scope: 'events:write' })}`;
  for (let i = 0; i < events.length; i += BATCH) {
    const response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/cloudevents-batch+json' },
      body: JSON.stringify(events.slice(i, i + BATCH)),
    });
    expect(response.status).toBe(202);
  }
}

async function enter(carillon: CarillonProcess, topics: readonly string[] = ['*']): Promise<TestClient> {
  const client = connectClient(carillon.url, await tokenFor('ada', { topics }));
  open.push(client);
  await client.session();
  return client;
}

describe('the client library', () => {
  test.for([20, 100, 500])(
    'enters %i topics, and gets each of what they tell once and in order over losses',
    { timeout: 3 * TIMEOUT_MS },
    async (count) => {
      const carillon = await start({ TOPICS_PER_SESSION: String(count) });
      const proxy = await startTcpProxy(Number(new URL(carillon.url).port));
      onTestFinished(() => proxy.close());
      const token = await tokenFor('ada', { topics: ['*'] });
      const client = connect({ url: `http://127.0.0.1:${proxy.port}`, token: () => token });
      open.push(client);
      const codes: string[] = [];
      client.on('error', ({ code }) => codes.push(code));
      const sessions: string[] = [];
      client.on('session', ({ session }) => sessions.push(session));
      const seen = new Map<string, string[]>();
      client.on('notification', ({ audience, id }) => {
        seen.set(audience, [...(seen.get(audience) ?? []), id]);
      });
      const topics = Array.from({ length: count }, (_, i) => `t.${i}`);
      await Promise.all(topics.map((topic) => client.subscribe(topic)));

      const checker = new Checker();
      const next = () => topics.map((topic) => checker.next(`topic:${topic}`));
      const verdict = () =>
        checker.judge(
          topics.map((topic) => ({ audience: `topic:${topic}`, ids: seen.get(`topic:${topic}`) ?? [] })),
        );
      const told = () => [...seen.values()].reduce((sum, ids) => sum + ids.length, 0);
      await publish(carillon, next());
      for (const round of [1, 2]) {
        await until(`round ${round}`, TIMEOUT_MS, () => told() >= (2 * round - 1) * count);
        const before = sessions.length;
        proxy.cut();
        // Some of it comes before the client is back, some while it is entering its topics again.
        await publish(carillon, next());
        await until('a session', TIMEOUT_MS, () => sessions.length > before);
        await publish(carillon, [...next()]);
        await until(`all of round ${round}`, TIMEOUT_MS, () => verdict().lost.length === 0);
      }
      expect(verdict()).toEqual(flawless(5 * count));
      expect(codes).toEqual([]);
      const closed = { outcome: 'closed', code: 'rate_limited' };
      expect(sumOf(await scrape(carillon), 'carillon_connections_total', closed)).toBe(0);
    },
  );

  test('learns for which topics there is no room, and has the others', async () => {
    const carillon = await start({ TOPICS_PER_SESSION: '30' });
    const token = await tokenFor('ada', { topics: ['*'] });
    const client = connect({ url: carillon.url, token: () => token });
    open.push(client);
    const codes: string[] = [];
    client.on('error', ({ code }) => codes.push(code));
    const asked = Array.from({ length: 40 }, (_, i) => client.subscribe(`t.${i}`));
    const results = await Promise.allSettled(asked);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    expect(refused).toEqual(Array(10).fill('too_many_topics'));
    expect(codes).toEqual(refused);
    await Promise.all([client.unsubscribe('t.0'), client.unsubscribe('t.1')]);
    await Promise.all([client.subscribe('t.38'), client.subscribe('t.39')]);
  });

  test('paces whatever it asks, of all kinds at once', async () => {
    const carillon = await start({ CLIENT_MESSAGES_BURST: '8', CLIENT_MESSAGES_PER_SECOND: '20' });
    const token = await tokenFor('ada', { topics: ['*'], publish: ['*'] });
    const client = connect({ url: carillon.url, token: () => token });
    open.push(client);
    const states: string[] = [];
    client.on('state', ({ status }) => states.push(status));
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => [
        client.publish('a', { type: 'x', data: { i } }),
        client.inbox.refresh(),
        client.inbox.markSeen(['nothing']),
        client.subscribe(`t.${i}`),
      ]).flat(),
    );
    expect(states).toEqual(['connected']);
  });
});

describe('limits', () => {
  test('are in the session', async () => {
    const carillon = await start({
      CLIENT_MESSAGES_BURST: '33',
      CLIENT_MESSAGES_PER_SECOND: '7.5',
      CLIENT_MESSAGE_MAX_BYTES: '20000',
      TOPICS_PER_SESSION: '44',
      SYNC_LIMIT: '55',
    });
    const { limits } = await (await enter(carillon)).session();
    expect(limits).toEqual({
      ...FIXED_LIMITS,
      messageMaxBytes: 20_000,
      messagesAtOnce: 33,
      messagesPerSecond: 7.5,
      topicsPerSession: 44,
      lastPerTopic: 55,
    });
  });
});

describe('a list of topics', () => {
  test('is answered topic by topic: one that is refused is no matter to the others', async () => {
    const carillon = await start({ TOPICS_PER_SESSION: '4' });
    await publish(carillon, [new Checker().next('topic:a.told')]);
    const client = await enter(carillon, ['a.*']);
    const cursor = { epoch: '0', offset: 0 };
    const topics = [
      { topic: 'a.1' },
      { topic: 'b' },
      { topic: 'a.told', last: 5 },
      { topic: 'a.1' },
      { topic: 'a.2', cursor, last: 1 },
      'a.3',
      { topic: '{' },
      { topic: 'a.4', cursor },
      { topic: 'a.5' },
      { topic: 'a.6' },
    ];
    const error = (code: string) => ({ error: { code, message: expect.any(String) } });
    const entered = (topic: string, more = {}) => ({
      audience: `topic:${topic}`,
      head: 0,
      epoch: '0',
      ...more,
    });
    expect(await client.ask('subscribe', { topics })).toEqual({
      topics: [
        entered('a.1'),
        error('forbidden'),
        expect.objectContaining({
          audience: 'topic:a.told',
          head: 1,
          missed: expect.objectContaining({ notifications: [expect.objectContaining({ offset: 1 })] }),
        }),
        error('bad_request'),
        error('bad_request'),
        error('bad_request'),
        error('bad_request'),
        entered('a.4', { missed: expect.objectContaining({ recovered: true }) }),
        entered('a.5'),
        error('too_many_topics'),
      ],
    });
    expect(await client.ask('unsubscribe', { topics: ['a.1', 'b', 7, 'a.5'] })).toEqual({
      topics: [
        { audience: 'topic:a.1' },
        error('not_subscribed'),
        error('bad_request'),
        { audience: 'topic:a.5' },
      ],
    });
    expect(await client.ask('subscribe', { topics: [{ topic: 'a.6' }, { topic: 'a.7' }] })).toEqual({
      topics: [entered('a.6'), entered('a.7')],
    });
  });

  test.for<[string, unknown]>([
    ['none', []],
    ['too many', Array.from({ length: 101 }, (_, i) => ({ topic: `t.${i}` }))],
    ['no list', { topic: 'a' }],
    ['nothing', null],
  ])('is refused as a whole when it is %s', async ([, topics]) => {
    const client = await enter(await start());
    for (const request of ['subscribe', 'unsubscribe']) {
      expect(await client.ask(request, { topics })).toMatchObject({ error: { code: 'bad_request' } });
    }
  });

  test('costs as much as its topics would, and one answer holds no more than any other', async () => {
    const carillon = await start({ USER_COST_PER_SECOND: '10', ANSWER_MAX_BYTES: '16384' });
    const checker = new Checker();
    const told = ['t.0', 't.1', 't.2'].flatMap((topic) =>
      Array.from({ length: 3 }, () => checker.next(`topic:${topic}`, { data: { text: 'x'.repeat(4_000) } })),
    );
    await publish(carillon, told);
    const client = await enter(carillon);
    const topics = Array.from({ length: 20 }, (_, i) => ({
      topic: `t.${i}`,
      cursor: { epoch: '0', offset: 0 },
    }));
    const answer = await client.ask('subscribe', { topics });
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(20_000);
    expect(JSON.stringify(answer)).toContain('"too_large"');
    expect(await client.ask('subscribe', { topics: topics.slice(3) })).toMatchObject({
      error: { code: 'rate_limited', retryAfterMs: expect.any(Number) },
    });
  });
});
