/** Carillon's own topics are nobody's: no token, however wide, and no producer gets at them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient, type TestClient } from '../../../support/client.ts';
import { madeEvent } from '../../../support/producer.ts';

const OWN = 'carillon.canary.somebody';
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

let carillon: CarillonProcess;
let ada: TestClient;

beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET });
  const wide = { topics: ['*', 'carillon.*', OWN], publish: ['*', 'carillon.*', OWN] };
  ada = connectClient(carillon.url, await tokenFor('ada', wide));
  await ada.session();
});
afterAll(async () => {
  ada.close();
  await carillon.stop();
});

async function post(event: object, headers: Record<string, string> = {}) {
  const token = await tokenFor('a-service', { scope: 'events:write', audiences: ['*'] });
  const response = await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/cloudevents+json',
      ...headers,
    },
    body: JSON.stringify(event),
  });
  return { status: response.status, body: await response.json() };
}

test('a client can neither subscribe nor publish to one', async () => {
  const forbidden = { error: { code: 'forbidden', message: `topic "${OWN}"` } };
  expect(await ada.ask('subscribe', { topic: OWN })).toEqual(forbidden);
  expect(await ada.ask('publish', { topic: OWN, type: 'chat.message', data: {} })).toEqual(forbidden);
  expect(await ada.ask('subscribe', { topic: 'carillons' })).toMatchObject({ audience: 'topic:carillons' });
});

test.for<[string, Record<string, unknown>, string, string]>([
  ['to one', { audience: `topic:${OWN}` }, 'invalid_audience', 'audience'],
  ['to one among others', { audience: ['user:ada', `topic:${OWN}`] }, 'invalid_audience', 'audience'],
  ['of their type', { type: 'carillon.canary', audience: `topic:${OWN}` }, 'invalid_event', 'type'],
])('a producer is refused an event %s', async ([, attributes, code, path]) => {
  expect(await post(madeEvent('e1', attributes))).toMatchObject({ status: 422, body: { code, path } });
});

test("a request's trace goes on in the notification, unless the event names its own", async () => {
  await post(madeEvent('traced', { audience: 'user:ada' }), { traceparent: TRACEPARENT });
  const own = TRACEPARENT.replaceAll('b', 'c');
  await post(madeEvent('own', { audience: 'user:ada', traceparent: own }), { traceparent: TRACEPARENT });
  await post(madeEvent('none', { audience: 'user:ada' }), { traceparent: 'malformed' });
  const received = await ada.received(3);
  expect(received.map(({ id, traceparent }) => [id, traceparent])).toEqual([
    ['traced', TRACEPARENT],
    ['own', own],
    ['none', undefined],
  ]);
});
