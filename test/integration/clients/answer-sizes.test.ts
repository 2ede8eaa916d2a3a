/** No answer of notifications is larger than ANSWER_MAX_BYTES, and what it leaves out is told or comes next. */
import { describe, expect, test } from 'vitest';
import { connect as connectCarillon } from '../../../src/clients/client/connect.ts';
import { tokenFor } from '../../support/carillon.ts';
import type { TestClient } from '../../support/client.ts';
import { type OwnProgram, ownPrograms } from '../../support/own-program.ts';
import { until } from '../../support/until.ts';

const start = ownPrograms();

const MAX_BYTES = 16_384;
const LIMITS = { ANSWER_MAX_BYTES: String(MAX_BYTES), HTTP_EVENTS_PER_SECOND: '1000000' };
const COUNT = 40;
const IDS = Array.from({ length: COUNT }, (_, i) => `e${i + 1}`);
const AT_BEGINNING = { epoch: '0', offset: 0 };
const ADA = 'user:ada';

const bytesOf = (answer: unknown) => Buffer.byteLength(JSON.stringify(answer));

interface Missed {
  readonly epoch: string;
  readonly head: number;
  readonly recovered: boolean;
  readonly reason?: string;
  readonly more?: true;
  readonly notifications: readonly { readonly id: string }[];
}

function isAnswer(value: unknown): value is { readonly audiences: Readonly<Record<string, Missed>> } {
  return typeof value === 'object' && value !== null && 'audiences' in value;
}

async function sync(client: TestClient, body: object) {
  const answer = await client.ask('sync', body);
  if (!isAnswer(answer)) throw new Error(JSON.stringify(answer));
  expect(bytesOf(answer)).toBeLessThanOrEqual(MAX_BYTES);
  return answer.audiences;
}

describe('what was missed', () => {
  const TOO_LARGE = { head: COUNT, recovered: false, notifications: [], reason: 'too_large' };

  test('is not sent to a client that knows nothing of parts when it does not fit: it reads the inbox', async () => {
    const own = await start(LIMITS);
    await own.fill(ADA, COUNT, 2_000);
    const client = await own.connect('ada', { auth: { cursors: { [ADA]: AT_BEGINNING } } });
    const session = await client.session();
    expect(bytesOf(session)).toBeLessThanOrEqual(MAX_BYTES);
    expect(session.missed?.[ADA]).toMatchObject(TOO_LARGE);
    expect((await sync(client, { cursors: { [ADA]: AT_BEGINNING } }))[ADA]).toMatchObject(TOO_LARGE);
    const fits = { epoch: session.audiences[ADA]?.epoch ?? '', offset: COUNT - 5 };
    const few = (await sync(client, { cursors: { [ADA]: fits } }))[ADA];
    expect(few).toMatchObject({ recovered: true, head: COUNT });
    expect(few?.notifications.map(({ id }) => id)).toEqual(IDS.slice(-5));
  });

  test('comes in parts to a client that asks so, one after the other, and nothing twice or never', async () => {
    const own = await start(LIMITS);
    await own.fill(ADA, COUNT, 2_000);
    const client = await own.connect('ada');
    const seen: string[] = [];
    let cursor = AT_BEGINNING;
    for (let isOver = false; !isOver; ) {
      const part = (await sync(client, { cursors: { [ADA]: cursor }, partial: true }))[ADA];
      if (part === undefined || !part.recovered) throw new Error(JSON.stringify(part));
      expect(part.notifications.length).toBeGreaterThan(0);
      seen.push(...part.notifications.map(({ id }) => id));
      cursor = { epoch: part.epoch, offset: part.head };
      isOver = part.more !== true;
    }
    expect(seen).toEqual(IDS);
    expect(cursor.offset).toBe(COUNT);
  });

  test('of several audiences shares one answer: the shortest first, and none with a hole', async () => {
    const own = await start({ ...LIMITS, USER_COST_PER_SECOND: '1000000' });
    const sales = 'department:sales';
    await own.fill(ADA, COUNT, 2_000);
    await own.fill(sales, 3, 2_000);
    await own.fill('global', COUNT, 2_000);
    const claims = { departments: ['sales'] };
    const cursors = { [ADA]: AT_BEGINNING, [sales]: AT_BEGINNING, global: AT_BEGINNING };
    const client = await own.connect('ada', { claims, auth: { cursors } });
    const session = await client.session();
    expect(bytesOf(session)).toBeLessThanOrEqual(MAX_BYTES + bytesOf(session.audiences) + 500);
    expect(session.missed?.['department:sales']).toMatchObject({ recovered: true, head: 3 });
    for (const large of [ADA, 'global'] as const) expect(session.missed?.[large]).toMatchObject(TOO_LARGE);
    const parts = await sync(client, { cursors, partial: true });
    expect(parts[sales]).toMatchObject({ recovered: true, head: 3 });
    expect(Object.values(parts).filter(({ more }) => more)).toHaveLength(2);
    for (const { head, notifications, more } of Object.values(parts)) {
      if (more) expect(notifications).toHaveLength(head);
    }
  });

  test('and is larger than any answer by itself, comes all the same: it came live to the others', async () => {
    const own = await start(LIMITS);
    await own.fill(ADA, 2, 40_000);
    const client = await own.connect('ada');
    const request = (offset: number) => ({ cursors: { [ADA]: { ...AT_BEGINNING, offset } }, partial: true });
    const answer = await client.ask('sync', request(0));
    expect(answer).toMatchObject({ audiences: { [ADA]: { head: 1, recovered: true, more: true } } });
  });

  test('the last ones of a topic are as many as fit, up to the head', async () => {
    const own = await start(LIMITS);
    await own.fill('topic:news', COUNT, 2_000);
    const client = await own.connect('ada', { claims: { topics: ['*'] } });
    const answer = await client.ask('subscribe', { topic: 'news', last: COUNT });
    expect(bytesOf(answer)).toBeLessThanOrEqual(MAX_BYTES);
    expect(answer).toMatchObject({ head: COUNT, missed: { head: COUNT, recovered: true } });
    expect(answer).toMatchObject({ missed: { notifications: IDS.slice(-7).map((id) => ({ id })) } });
  });

  test('leaves room for what comes live: an answer is at most half of what may wait for a client', async () => {
    const own = await start({ PENDING_MAX_BYTES: '65536', HTTP_EVENTS_PER_SECOND: '1000000' });
    await own.fill(ADA, COUNT, 2_000);
    const client = await own.connect('ada', { auth: { cursors: { [ADA]: AT_BEGINNING } } });
    expect((await client.session()).missed?.[ADA]).toMatchObject(TOO_LARGE);
    const parts = await client.ask('sync', { cursors: { [ADA]: AT_BEGINNING }, partial: true });
    expect(bytesOf(parts)).toBeLessThanOrEqual(32_768);
  });

  test('comes whole and in order to an app that uses the client library, topics included', async () => {
    const own = await start({ ...LIMITS, USER_COST_PER_SECOND: '1000000' });
    const token = await tokenFor('ada', { topics: ['*'] });
    const values = new Map<string, string>();
    const storage = {
      get: async (name: string) => values.get(name),
      set: (name: string, value: string) => void values.set(name, value),
    };
    await own.fill(ADA, 1, 10);
    await own.fill('topic:news', 1, 10);
    const before = connectCarillon({ url: own.carillon.url, token: () => token, storage });
    await before.subscribe('news', { last: 1 });
    await until('the first cursors', 20_000, () => [...values.values()].join().includes('topic:news'));
    before.close();
    await own.fill('user:later', 1, 10);
    await fillMore(own, ADA);
    await fillMore(own, 'topic:news');
    const back = connectCarillon({ url: own.carillon.url, token: () => token, storage });
    const told: string[] = [];
    const lost: unknown[] = [];
    back.on('resync', (audiences) => lost.push(audiences));
    back.on('notification', ({ audience, offset }) => told.push(`${audience} ${offset}`));
    await back.subscribe('news');
    await until('all that was missed', 20_000, () => told.length >= 2 * COUNT);
    back.close();
    for (const audience of [ADA, 'topic:news']) {
      expect(told.filter((one) => one.startsWith(audience))).toEqual(
        IDS.map((_, i) => `${audience} ${i + 2}`),
      );
    }
    expect(lost).toEqual([]);
  });
});

async function fillMore(own: OwnProgram, audience: string) {
  const authorization = `Bearer ${await tokenFor('more', { scope: 'events:write' })}`;
  const data = { text: 'x'.repeat(2_000) };
  const events = IDS.map((id) => ({
    ...{ specversion: '1.0', id: `more ${audience} ${id}`, source: '/test', type: 'test.made' },
    ...{ audience, data },
  }));
  const response = await fetch(`${own.carillon.url}/v1/events`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify(events),
  });
  expect(response.status).toBe(202);
}

describe('the inbox', () => {
  interface Page {
    readonly notifications: readonly { readonly id: string }[];
    readonly next?: string;
  }

  function isPage(value: unknown): value is Page {
    return typeof value === 'object' && value !== null && 'notifications' in value;
  }

  test.for(['socket', 'http'] as const)('over %s: pages that fit, with all of it', async (way) => {
    const own = await start(LIMITS);
    await own.fill(ADA, COUNT, 2_000);
    const client = await own.connect('ada');
    const ask = async (before: string | undefined): Promise<unknown> => {
      if (way === 'socket') return await client.ask('inbox', { limit: 100, before });
      const query = new URLSearchParams({ limit: '100', ...(before === undefined ? {} : { before }) });
      return await (await own.http('ada', `/v1/inbox?${query}`)).json();
    };
    const seen: string[] = [];
    let before: string | undefined;
    do {
      const page = await ask(before);
      if (!isPage(page)) throw new Error(JSON.stringify(page));
      expect(bytesOf(page)).toBeLessThanOrEqual(MAX_BYTES + 500);
      expect(page.notifications.length).toBeGreaterThan(0);
      seen.push(...page.notifications.map(({ id }) => id));
      before = page.next;
    } while (before !== undefined);
    expect(seen).toEqual(IDS.toReversed());
  });
});
