/** Canaries take a way of their own, never to the dead letters by their age, and nothing else gets at their topics. */
import { expect, test } from 'vitest';
import { CANARY_TYPE, type Event } from '../../../src/contract/event.ts';
import { canaryOfPacket, withCanaries } from '../../../src/pipeline/deliver-canary.ts';
import { AppendQueue } from '../../../src/pipeline/inbox/append-queue.ts';
import { decodeLiveMessage } from '../../../src/pipeline/inbox/live-message.ts';
import { MemoryInbox } from '../../../src/pipeline/inbox/memory-inbox.ts';
import { ACK, type Settlement } from '../../../src/pipeline/ingest/settlement.ts';
import { audiencesOf } from '../../../src/pipeline/routing/route.ts';
import { parseRoutes } from '../../../src/pipeline/routing/routes-file.ts';
import { lived } from '../../support/lived.ts';

const OWN = 'topic:carillon.canary.node-1';

const canary = (extra: Partial<Event> = {}): Event => ({
  specversion: '1.0',
  id: '1',
  source: '/carillon/node-1',
  type: CANARY_TYPE,
  expirytime: new Date(Date.now() + 60_000).toISOString(),
  audience: [OWN],
  ...extra,
});

async function settle(event: Event) {
  const forAll = (number: number) => ({ user: number, department: number, topic: number, global: number });
  const limits = { maxLength: forAll(10), maxAgeMs: forAll(60_000), dedupeMs: 60_000 };
  const published: string[] = [];
  const publish = (_audience: string, message: Buffer) =>
    published.push(decodeLiveMessage(message)?.packet.toString() ?? '');
  const inbox = new MemoryInbox({ limits, publish, now: Date.now });
  const others: Event[] = [];
  const appendQueue = new AppendQueue(inbox, () => {});
  const handle = withCanaries({ node: 'consumer-1', appendQueue, now: Date.now }, async (other) => {
    others.push(other);
    return ACK;
  });
  const settlement: Settlement = await handle(...lived(event));
  return { settlement, others, published, head: (await inbox.heads([OWN]))[0]?.offset };
}

test('a canary goes to its own log, and is settled apart from what users get', async () => {
  const { settlement, others, head } = await settle(canary());
  expect({ settlement, others, head }).toEqual({
    settlement: { kind: 'ack', isCanary: true },
    others: [],
    head: 1,
  });
});

test('it brings its gateway the name of the process that took it; one of an older version has none', async () => {
  const { published } = await settle(canary());
  expect(published.map(canaryOfPacket)).toEqual([{ id: '1', takenBy: 'consumer-1' }]);
  const older = '42["notification",{"id":"7","source":"/carillon/node-1","data":{}}]';
  expect(canaryOfPacket(older)).toEqual({ id: '7', takenBy: undefined });
  expect(canaryOfPacket('42["session",{}]')).toBeUndefined();
});

test('one that waited for too long is dropped, and is no dead letter', async () => {
  const late = canary({ expirytime: '2020-01-01T00:00:00Z' });
  expect(await settle(late)).toEqual({
    settlement: { kind: 'ack', isCanary: true },
    others: [],
    published: [],
    head: 0,
  });
});

test.each<[string, Event['audience']]>([
  ['a user', ['user:42']],
  ['a user too', [OWN, 'user:42']],
  ['somebody by routes', undefined],
])('its type does not lead to %s', async (_whom, audience) => {
  const { settlement, head } = await settle(canary({ audience }));
  expect(settlement).toMatchObject({ kind: 'dead-letter', refusal: { code: 'invalid_audience' } });
  expect(head).toBe(0);
});

test('every other event goes on to where it is settled', async () => {
  const event = canary({ type: 'carillon.canary.sung' });
  expect((await settle(event)).others).toEqual([event]);
});

test("no other event leads to Carillon's own topics, named or by a route", () => {
  const refused = { ok: false, refusal: { code: 'invalid_audience', path: 'audience' } };
  const event = canary({ type: 'order.shipped', audience: ['user:42', OWN] });
  expect(audiencesOf(event, [], 10)).toMatchObject(refused);
  const routes = parseRoutes('routes:\n  - {type: "#", audience: ["topic:{data.topic}"]}', 'routes.yaml');
  const routed = { ...event, audience: undefined, data: { topic: 'carillon.canary.node-1' } };
  expect(audiencesOf(routed, routes, 10)).toMatchObject(refused);
  expect(audiencesOf({ ...routed, data: { topic: 'carillons' } }, routes, 10)).toMatchObject({ ok: true });
});
