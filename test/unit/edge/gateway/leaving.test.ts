/**
 * Clients that leave while something is awaited for them, at each wait of the handshake and of each request. When
 * what was awaited comes, nothing is begun for them any more: no timer, room, member, presence or count is left.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entry } from '../../../contract/inbox-contract.ts';
import { type GatedGateway, type GateName, startGatedGateway } from '../../../support/gated-gateway.ts';
import { LivingTimers } from '../../../support/living-timers.ts';
import { PollingSession } from '../../../support/polling-session.ts';
import { openRawSocket, openSession, type RawSocket } from '../../../support/raw-socket.ts';

/** Less than a handshake may take, behind which nobody would be waited for anyway. */
const POLL = { timeout: 20_000 };
const NOTHING = { rooms: [], members: [], present: [], occupied: [], places: [] };
const TOPIC = 'topic:news';

let gated: GatedGateway;
let timers: LivingTimers;
beforeEach(async () => {
  timers = new LivingTimers();
  gated = await startGatedGateway({ perUser: 1 });
  for (const audience of ['user:ada', TOPIC] as const)
    await gated.inbox.append(audience, [entry('1', audience)]);
});
afterEach(async () => {
  timers.stop();
  await gated.stop();
});

/** Of sessions; the checks of feeds and of tokens and the look at what waits have one each at all times. */
const sessionTimers = () =>
  timers
    .madeIn('/src/edge/gateway/')
    .filter((maker) => !/feeds\.ts|pending\.ts|token-expiry\.ts/.test(maker));

type Way = 'the connection ends' | 'the session ends';

/** Resolves when the gateway knows of it. */
async function leave(socket: RawSocket, way: Way): Promise<void> {
  const before = gated.connected();
  if (way === 'the session ends') socket.send('41');
  else socket.close();
  if (before > 0) await expect.poll(() => gated.connected(), POLL).toBe(before - 1);
  else await expect.poll(() => gated.connections(), POLL).toBe(0);
}

async function expectNothingLeft(socket: RawSocket): Promise<void> {
  gated.gates.openAll();
  await expect.poll(() => gated.held(), POLL).toEqual(NOTHING);
  socket.close();
  await expect.poll(sessionTimers, POLL).toEqual([]);
  // A user may have one connection: that count is free again too.
  const again = await openSession(gated.url, 'ada');
  again.close();
  await expect.poll(() => gated.held(), POLL).toEqual(NOTHING);
}

const ways: readonly Way[] = ['the connection ends', 'the session ends'];
const both = <T extends readonly unknown[]>(cases: readonly T[]) =>
  cases.flatMap((one) => ways.map((way) => [...one, way] as const));

/** A log that has gone on since; and one of another epoch, which makes the gateway ask which there were. */
const cursors = async () => ({ 'user:ada': { epoch: (await epochOf('user:ada')) ?? '', offset: 0 } });
const oldCursors = async () => ({ 'user:ada': { epoch: 'beef01', offset: 0 } });
const epochOf = async (audience: 'user:ada' | typeof TOPIC) =>
  (await gated.inbox.heads([audience]))[0]?.epoch;

describe('during the handshake', () => {
  const waits: readonly (readonly [GateName, () => Promise<object>])[] = [
    ['verify', async () => ({})],
    ['place', async () => ({})],
    ['inForce', async () => ({})],
    ['heads', async () => ({})],
    ['departments', async () => ({})],
    ['read', cursors],
    ['incarnations', oldCursors],
    ['open', async () => ({})],
  ];

  test.for(both(waits))('at %s', async ([name, auth, way]) => {
    const packet = `40${JSON.stringify({ token: 'ada', cursors: await auth() })}`;
    gated.gates.shut(name);
    const socket = await openRawSocket(gated.url);
    socket.send(packet);
    await gated.gates.reached(name);
    await leave(socket, way);
    await expectNothingLeft(socket);
  });
});

describe('during a request', () => {
  const waits: readonly (readonly [string, GateName, () => Promise<object>])[] = [
    ['authenticate', 'verify', async () => ({ token: 'ada' })],
    ['sync', 'read', async () => ({ cursors: await cursors() })],
    ['sync', 'incarnations', async () => ({ cursors: await oldCursors() })],
    ['subscribe', 'inForce', async () => ({ topic: 'news' })],
    ['subscribe', 'heads', async () => ({ topic: 'news' })],
    [
      'subscribe',
      'read',
      async () => ({ topic: 'news', cursor: { epoch: await epochOf(TOPIC), offset: 0 } }),
    ],
    ['subscribe', 'readNewest', async () => ({ topic: 'news', last: 1 })],
    ['inbox', 'list', async () => ({})],
    ['mark', 'mark', async () => ({ as: 'read', all: true })],
    ['publish', 'publish', async () => ({ topic: 'news', type: 't', data: {} })],
  ];

  test.for(both(waits))('%s at %s', async ([request, name, body, way]) => {
    const packet = `421${JSON.stringify([request, await body()])}`;
    const socket = await openSession(gated.url, 'ada');
    gated.gates.shut(name);
    socket.send(packet);
    await gated.gates.reached(name);
    await leave(socket, way);
    await expectNothingLeft(socket);
  });

  test.for(waits)('%s and leaving in one segment', async ([request, , body]) => {
    const packet = `421${JSON.stringify([request, await body()])}`;
    const socket = await openSession(gated.url, 'ada');
    socket.send(packet, '41');
    await expect.poll(() => gated.connected(), POLL).toBe(0);
    await expectNothingLeft(socket);
  });
});

test('who is refused a place on all nodes keeps none on this one', async () => {
  gated.places.add('a session elsewhere');
  const socket = await openRawSocket(gated.url);
  socket.send('40{"token":"ada"}');
  expect(await socket.heard('44{"message":"too_many_connections"')).toBe(true);
  gated.places.clear();
  // A place that nobody gave back would be taken as long as this connection is open.
  socket.send('40{"token":"ada"}');
  expect(await socket.heard('42["session"')).toBe(true);
  socket.close();
  await expect.poll(() => gated.held(), POLL).toEqual(NOTHING);
});

test('a session that has ended is not present again when its connection goes over to a WebSocket', async () => {
  const session = new PollingSession(gated.url);
  await session.open('ada');
  expect(gated.held().present).toHaveLength(1);
  await session.post('41');
  await expect.poll(() => gated.held(), POLL).toEqual(NOTHING);
  const upgraded = await session.upgrade();
  upgraded.send('2');
  await upgraded.heard('6');
  expect(gated.held()).toEqual(NOTHING);
  upgraded.close();
});

test('a connection whose session has left is not waited for when it ends too', async () => {
  const socket = await openSession(gated.url, 'ada');
  await leave(socket, 'the session ends');
  socket.close();
  await expect.poll(() => gated.connections(), POLL).toBe(0);
  await expect.poll(sessionTimers, POLL).toEqual([]);
});

test('who comes while the gateway sends its clients away is sent away too', async () => {
  gated.gates.shut('verify');
  const socket = await openRawSocket(gated.url);
  socket.send('40{"token":"ada"}');
  await gated.gates.reached('verify');
  await gated.gateway.drain(1);
  gated.gates.openAll();
  expect(await socket.heard('42["goaway",{"code":"shutting_down"')).toBe(true);
  await socket.closed();
});
