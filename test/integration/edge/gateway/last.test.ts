/** Subscribing with `last`: what came before is told, and what comes meanwhile is neither lost nor told twice. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../../src/clients/client/connect.ts';
import type { Missed } from '../../../../src/contract/recovery.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { Checker } from '../../../support/checker.ts';
import { connectClient, type TestClient } from '../../../support/client.ts';
import { expectRefused } from '../../../support/fresh-users.ts';
import { type MadeEvent, madeEvent } from '../../../support/producer.ts';
import { freshRedis, freshVhost } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const TIMEOUT_MS = 20_000;
const [SYNC_LIMIT, KEPT] = [20, 5];

interface Subscribed {
  readonly head: number;
  readonly missed?: Missed;
}

describe.for(['embedded', 'real'])('%s', (mode) => {
  let carillon: CarillonProcess;
  let clients: TestClient[] = [];

  beforeAll(async () => {
    carillon = await start();
  });
  afterEach(() => {
    for (const client of clients) client.close();
    clients = [];
  });
  afterAll(async () => {
    await carillon.stop();
  });

  async function start(limits: Record<string, string> = {}): Promise<CarillonProcess> {
    const [AMQP_URL, REDIS_URL] =
      mode === 'real' ? await Promise.all([freshVhost(), freshRedis()]) : ['', ''];
    const backends = { JWT_SECRET, AMQP_URL, REDIS_URL };
    const own = { SYNC_LIMIT: String(SYNC_LIMIT), HTTP_EVENTS_PER_SECOND: '100000' };
    return startCarillon({ ...backends, ...own, ...limits });
  }

  async function enter(user = 'ada'): Promise<TestClient> {
    const client = connectClient(carillon.url, await tokenFor(user, { topics: ['*'] }));
    clients.push(client);
    await client.session();
    return client;
  }

  async function publish(...events: readonly MadeEvent[]): Promise<void> {
    const response = await fetch(`${carillon.url}/v1/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await tokenFor('a-service', { scope: 'events:write' })}`,
        'content-type': 'application/cloudevents-batch+json',
      },
      body: JSON.stringify(events),
    });
    expect(response.status).toBe(202);
  }

  /** A topic that has been told so many; resolves when all of them are in its log. */
  async function told(count: number, more: (n: number) => Record<string, unknown> = () => ({})) {
    const topic = randomUUID();
    const witness = await enter();
    await witness.ask('subscribe', { topic });
    const audience = `topic:${topic}`;
    if (count > 0) {
      const numbers = Array.from({ length: count }, (_, i) => i + 1);
      await publish(...numbers.map((n) => madeEvent(`e${n}`, { audience, ...more(n) })));
      await witness.received(count);
    }
    return topic;
  }

  const subscribe = (client: TestClient, body: object): Promise<Subscribed> =>
    client.socket.timeout(TIMEOUT_MS).emitWithAck('subscribe', body);
  const idsOf = ({ missed }: Subscribed) => missed?.notifications.map(({ id }) => id);

  test('sends the last ones in order, and then what is live', async () => {
    const topic = await told(5);
    const client = await enter();
    const subscribed = await subscribe(client, { topic, last: 3 });
    expect(subscribed).toMatchObject({ head: 5, missed: { head: 5, recovered: true } });
    expect(idsOf(subscribed)).toEqual(['e3', 'e4', 'e5']);
    await publish(madeEvent('e6', { audience: `topic:${topic}` }));
    expect(await client.received(1)).toMatchObject([{ id: 'e6', offset: 6 }]);
  });

  test('sends what there is of a log that holds fewer', async () => {
    const client = await enter();
    expect(await subscribe(client, { topic: await told(0), last: 3 })).toMatchObject({
      head: 0,
      missed: { epoch: '0', head: 0, recovered: true, notifications: [] },
    });
    expect(idsOf(await subscribe(client, { topic: await told(2), last: 3 }))).toEqual(['e1', 'e2']);
  });

  test('passes over the expired', async () => {
    // From when it is published: all six have to come live before.
    let expirytime: string | undefined;
    const topic = await told(6, (n) => {
      expirytime ??= new Date(Date.now() + 5_000).toISOString();
      return n % 2 === 0 ? { expirytime } : {};
    });
    await until('the expiry', TIMEOUT_MS, () => Date.now() > Date.parse(expirytime ?? ''));
    expect(idsOf(await subscribe(await enter(), { topic, last: 2 }))).toEqual(['e3', 'e5']);
  });

  test.for<[string, unknown]>([
    ['none', 0],
    ['less than none', -1],
    ['half a one', 1.5],
    ['more than SYNC_LIMIT', SYNC_LIMIT + 1],
    ['a text', '3'],
    ['a huge number', 1e300],
    ['null', null],
  ])('refuses %s', async ([, last]) => {
    await expectRefused(await enter(), 'subscribe', { topic: 'x', last }, 'bad_request');
  });

  test('refuses it together with a cursor, and names the field', async () => {
    const body = { topic: 'x', last: 3, cursor: { epoch: '0', offset: 0 } };
    expect(await (await enter()).ask('subscribe', body)).toEqual({
      error: { code: 'bad_request', message: 'last not together with cursor' },
    });
  });

  test('loses and repeats nothing of what comes while clients subscribe', async () => {
    const checker = new Checker();
    const topic = randomUUID();
    const audience = `topic:${topic}`;
    const seen: { readonly client: TestClient; readonly missed: readonly string[] }[] = [];
    let isOver = false;
    const publishing = (async () => {
      while (!isOver) await publish(...Array.from({ length: 5 }, () => checker.next(audience)));
    })();
    const entering = async (i: number) => {
      const client = await enter(`ada-${i}`);
      const last = 1 + ((i * 7) % SYNC_LIMIT);
      const before = checker.count(audience);
      const subscribed = await subscribe(client, { topic, last });
      const missed = idsOf(subscribed) ?? [];
      expect(missed).toHaveLength(Math.min(last, subscribed.head));
      seen.push({ client, missed });
      // Some of those that came before it come live: the next subscribes amid them.
      await until('more events', TIMEOUT_MS, () => checker.count(audience) > before);
    };
    try {
      for (let i = 0; i < 30; i += 1) await entering(i);
    } finally {
      isOver = true;
    }
    await publishing;
    const end = `${audience}#${checker.count(audience)}`;
    for (const { client, missed } of seen) {
      const sees = () => [...missed, ...client.notifications.map(({ id }) => id)];
      await until(end, TIMEOUT_MS, () => sees().includes(end));
      const ids = sees();
      const verdict = checker.judge([{ audience, ids }]);
      expect(verdict).toMatchObject({ duplicated: [], disordered: [], unexpected: [] });
      // From the first one on it has all.
      expect(verdict.lost).toHaveLength(Number(ids[0]?.split('#')[1]) - 1);
    }
  });

  test.for<[string, Record<string, string>, number]>([
    ['length', { INBOX_MAX_LENGTH: `1000,topic=${KEPT}` }, KEPT],
    ['age', { INBOX_MAX_AGE: '86400,topic=1' }, 1],
  ])('tells what is left of a log trimmed by its %s', async ([, limits, left]) => {
    const plenty = carillon;
    carillon = await start(limits);
    try {
      const topic = await told(KEPT + 3);
      // What is trimmed by age goes with the next append.
      const trimmedMs = Date.now() + 1_500;
      await until('old age', TIMEOUT_MS, () => Date.now() > trimmedMs);
      const client = await enter();
      await client.ask('subscribe', { topic });
      await publish(madeEvent('end', { audience: `topic:${topic}` }));
      await client.received(1);
      const subscribed = await subscribe(client, { topic, last: KEPT + 2 });
      const ids = [...Array.from({ length: KEPT + 3 }, (_, i) => `e${i + 1}`), 'end'];
      expect(subscribed).toMatchObject({ missed: { recovered: true } });
      expect(idsOf(subscribed)).toEqual(ids.slice(-left));
    } finally {
      for (const client of clients) client.close();
      await carillon.stop();
      carillon = plenty;
    }
  });

  test('the client library reports them as missed, and what it missed when it comes back', async () => {
    const topic = await told(5);
    const token = await tokenFor('ada', { topics: ['*'] });
    const client = connect({ url: carillon.url, token: () => token });
    const seen: string[] = [];
    client.on('notification', ({ id }, { isMissed }) => seen.push(isMissed ? `${id} missed` : id));
    try {
      await client.subscribe(topic, { last: 2 });
      await publish(madeEvent('e6', { audience: `topic:${topic}` }));
      await until('e6', TIMEOUT_MS, () => seen.includes('e6'));
      expect(seen).toEqual(['e4 missed', 'e5 missed', 'e6']);
      await expect(client.subscribe('other', { last: SYNC_LIMIT + 1 })).rejects.toMatchObject({
        code: 'bad_request',
      });
    } finally {
      client.close();
    }
  });
});
