/** Who is connected where, asked of any process: sessions, devices and rooms, also when nodes and Redis die. */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  audiencePresenceSchema,
  type UserPresence,
  userPresenceSchema,
} from '../../../../src/contract/presence.ts';
import { admin } from '../../../support/admin.ts';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { Checker } from '../../../support/checker.ts';
import { type ClientOptions, connectClient, type TestClient } from '../../../support/client.ts';
import { type Stack, startStack } from '../../../support/stack.ts';

let stack: Stack;
let control: Redis;
let open: TestClient[] = [];
beforeAll(async () => {
  stack = await startStack();
  control = new Redis(stack.redis.url, { maxRetriesPerRequest: null });
  control.on('error', () => {});
});
afterEach(() => {
  for (const client of open) client.close();
  open = [];
});
afterAll(async () => {
  control.disconnect();
  await stack.stop();
});

async function join(user: string, url: string, claims: object = {}, options: ClientOptions = {}) {
  const client = connectClient(url, await tokenFor(user, { ...claims }), options);
  open.push(client);
  await client.session();
  return client;
}

const urlOf = (at: number) => stack.gateways[at]?.url ?? '';

/** Of a process without any connections, unless another is asked. */
async function presenceOf(user: string, of: CarillonProcess = stack.consumer): Promise<UserPresence> {
  const { status, answer } = await admin(of, 'GET', `users/${user}/sessions`);
  return status === 404 ? { user, sessions: [], devices: [] } : userPresenceSchema.parse(answer);
}

async function audience(name: string, of: CarillonProcess = stack.consumer) {
  const { status, answer } = await admin(of, 'GET', `audiences/${name}`);
  return status === 404 ? undefined : audiencePresenceSchema.parse(answer);
}

const soon = (read: () => unknown, timeout = 20_000) => expect.poll(read, { timeout, interval: 200 });

const sessionsOf = async (user: string) => (await presenceOf(user)).sessions.map(({ session }) => session);

describe('a user', () => {
  test('is shown with all sessions, and devices with when and where they left; no token is kept', async () => {
    const cursors = { 'user:ada': { epoch: '0', offset: 0 }, 'user:bob': { epoch: 'abc', offset: 3 } };
    const phone = await join(
      'ada',
      urlOf(0),
      { departments: ['sales'] },
      { auth: { device: 'phone', cursors } },
    );
    const laptop = await join('ada', urlOf(1), {}, { transports: ['polling', 'websocket'] });
    await soon(async () => (await presenceOf('ada')).sessions.map(({ transport }) => transport)).toEqual([
      'websocket',
      'websocket',
    ]);
    const { sessions, devices } = await presenceOf('ada');
    const empty = { epoch: '0', offset: 0 };
    expect(sessions).toEqual([
      {
        session: phone.socket.id,
        node: expect.stringMatching(/-[0-9a-f]{6}$/),
        device: 'phone',
        address: '127.0.0.1',
        transport: 'websocket',
        connectedAt: expect.any(String),
        audiences: { 'user:ada': empty, 'department:sales': empty, global: empty },
        cursors: { 'user:ada': empty },
      },
      expect.objectContaining({ session: laptop.socket.id, audiences: { 'user:ada': empty, global: empty } }),
    ]);
    expect(sessions[1]).not.toHaveProperty('device');
    expect(sessions[0]?.node).not.toBe(sessions[1]?.node);
    expect(devices).toEqual([]);

    const checker = new Checker();
    await stack.producer.publish(checker.next('user:ada'), checker.next('user:ada'));
    await Promise.all([phone.received(2), laptop.received(2)]);
    phone.close();
    await soon(() => sessionsOf('ada')).toEqual([laptop.socket.id]);
    const left = await presenceOf('ada', stack.gateways[0]);
    expect(left.devices).toEqual([
      {
        session: expect.any(String),
        node: sessions[0]?.node,
        device: 'phone',
        connectedAt: sessions[0]?.connectedAt,
        disconnectedAt: expect.any(String),
        audiences: {
          'user:ada': { epoch: expect.stringMatching(/^[0-9a-f]{2,}$/), offset: 2 },
          'department:sales': empty,
          global: empty,
        },
        cursors: { 'user:ada': empty },
      },
    ]);
    const kept = await Promise.all(
      ['sessions', 'devices'].map((name) => control.hgetall(`carillon:{user:ada}:${name}`)),
    );
    expect(JSON.stringify(kept)).not.toContain((await tokenFor('ada')).split('.')[0]);
  });

  test('whose departments change is shown with those, and where the others began', async () => {
    const one = await join('kim', urlOf(0), { departments: ['sales'] });
    const audiencesOf = async () => Object.keys((await presenceOf('kim')).sessions[0]?.audiences ?? {});
    await soon(audiencesOf).toContain('department:sales');
    const [before] = (await presenceOf('kim')).sessions;
    await admin(stack.consumer, 'PUT', 'users/kim/departments', { body: { departments: ['north'] } });
    await soon(audiencesOf).toContain('department:north');
    await soon(audiencesOf).not.toContain('department:sales');
    const [after] = (await presenceOf('kim')).sessions;
    expect(after).toMatchObject({ session: one.socket.id, connectedAt: before?.connectedAt });
  });
});

describe('an audience', () => {
  test('is counted over all nodes as sockets come and go, with its log', async () => {
    const claims = { departments: ['support'], topics: ['*'] };
    const clients = await Promise.all([
      join('u1', urlOf(0), claims),
      join('u1', urlOf(0), claims),
      join('u2', urlOf(0), claims),
      join('u3', urlOf(1), claims),
    ]);
    const checker = new Checker();
    await stack.producer.publish(checker.next('department:support'), checker.next('department:support'));
    // Nodes tell who is in their rooms each in its own time, and the events are appended in theirs.
    await soon(() => audience('department:support')).toEqual({
      audience: 'department:support',
      users: 3,
      sessions: 4,
      nodes: expect.arrayContaining([
        { node: expect.any(String), users: 2, sessions: 3 },
        { node: expect.any(String), users: 1, sessions: 1 },
      ]),
      head: { epoch: expect.any(String), offset: 2 },
      length: 2,
    });
    await clients[2]?.ask('subscribe', { topic: 'news' });
    await soon(async () => (await audience('topic:news'))?.users).toBe(1);
    await soon(() => audience('user:u1')).toMatchObject({ users: 1, sessions: 2, nodes: [{ sessions: 2 }] });
    clients[0]?.close();
    clients[3]?.close();
    await soon(() => audience('department:support')).toMatchObject({
      users: 2,
      sessions: 2,
      nodes: [{ users: 2, sessions: 2 }],
    });
    await clients[2]?.ask('unsubscribe', { topic: 'news' });
    await soon(() => audience('topic:news')).toBeUndefined();
  });
});

describe('a node that', () => {
  test('is killed takes its sessions with it within moments, and they are devices then', async () => {
    const killed = await startCarillon({ ...stack.environment, ROLES: 'gateway' });
    await join('lea', killed.url, { departments: ['ghosts'] }, { auth: { device: 'phone' } });
    const stays = await join('lea', urlOf(0), { departments: ['ghosts'] });
    await soon(async () => (await audience('department:ghosts'))?.sessions).toBe(2);
    killed.signal('SIGKILL');
    await killed.exited;
    await soon(() => sessionsOf('lea'), 40_000).toEqual([stays.socket.id]);
    await soon(async () => (await presenceOf('lea')).devices).toMatchObject([{ device: 'phone' }]);
    await soon(() => control.hlen('carillon:{user:lea}:sessions')).toBe(1);
    await soon(async () => (await audience('department:ghosts'))?.sessions).toBe(1);
  }, 180_000);

  test('is frozen for long is taken for dead, and is right again when it goes on', async () => {
    const frozen = await startCarillon({ ...stack.environment, ROLES: 'gateway' });
    const one = await join('eve', frozen.url, { departments: ['ice'] });
    await soon(async () => (await audience('department:ice'))?.sessions).toBe(1);
    frozen.signal('SIGSTOP');
    await soon(() => sessionsOf('eve'), 40_000).toEqual([]);
    frozen.signal('SIGCONT');
    await soon(() => sessionsOf('eve')).toEqual([one.socket.id]);
    await soon(async () => (await audience('department:ice'))?.sessions).toBe(1);
    await frozen.stop();
  }, 180_000);

  test('goes down orderly leaves nothing behind', async () => {
    const stopped = await startCarillon({ ...stack.environment, ROLES: 'gateway' });
    await join('ben', stopped.url, {}, { auth: { device: 'phone' } });
    await soon(() => sessionsOf('ben')).toHaveLength(1);
    const [session] = (await presenceOf('ben')).sessions;
    await stopped.stop();
    expect(await presenceOf('ben')).toMatchObject({ sessions: [], devices: [{ device: 'phone' }] });
    expect(await control.zscore('carillon:{nodes}:alive', session?.node ?? '')).toBeNull();
  });
});

test('what could not be written while Redis was away is written when it is back, and asking says 503', async () => {
  const claims = { departments: ['outage'] };
  const [stays, leaves] = await Promise.all([join('mia', urlOf(0), claims), join('mia', urlOf(1), claims)]);
  await soon(() => sessionsOf('mia')).toHaveLength(2);
  await soon(async () => (await audience('department:outage'))?.sessions).toBe(2);
  // As with a Redis that comes back with less than it had.
  await control.del('carillon:{user:mia}:departments', 'carillon:{nodes}:alive');
  await control.hdel('carillon:{user:mia}:sessions', stays.socket.id ?? '');
  await stack.redis.kill();
  const gone = leaves.socket.id;
  leaves.close();
  for (const path of ['users/mia/sessions', 'audiences/global', 'users/mia/departments']) {
    expect(await admin(stack.consumer, 'GET', path)).toMatchObject({
      status: 503,
      answer: { code: 'redis_unavailable' },
    });
  }
  await stack.redis.restart();
  await soon(() => isReady(stack.consumer)).toBe(true);
  await soon(() => sessionsOf('mia')).toEqual([stays.socket.id]);
  await soon(async () => (await presenceOf('mia')).devices.map(({ session }) => session)).toEqual([gone]);
  await soon(async () => (await audience('department:outage'))?.sessions).toBe(1);
});

describe('is refused', () => {
  test.for([
    ['users/nobody/sessions', 404, 'not_found'],
    ['users/a%7Db/sessions', 400, 'bad_request'],
    ['audiences/department:nowhere', 404, 'not_found'],
    ['audiences/everybody', 400, 'bad_request'],
  ] as const)('%s', async ([path, status, code]) => {
    expect(await admin(stack.consumer, 'GET', path)).toMatchObject({ status, answer: { code } });
  });

  test('who may not ask', async () => {
    const token = await tokenFor('ada', { scope: 'events:write' });
    for (const path of ['users/ada/sessions', 'audiences/global']) {
      expect(await admin(stack.consumer, 'GET', path, { token })).toMatchObject({ status: 403 });
      expect(await admin(stack.consumer, 'GET', path, { token: 'none' })).toMatchObject({ status: 401 });
    }
  });
});

test('embedded, all of it works in one process', async () => {
  const carillon = await startCarillon({ JWT_SECRET });
  const one = await join('ada', carillon.url, { departments: ['sales'] }, { auth: { device: 'phone' } });
  await soon(async () => (await presenceOf('ada', carillon)).sessions).toMatchObject([{ device: 'phone' }]);
  await admin(carillon, 'PUT', 'users/ada/departments', { body: { departments: ['north'] } });
  await soon(async () => (await one.session()).departments).toEqual(['north']);
  await soon(async () => (await audience('department:north', carillon))?.sessions).toBe(1);
  one.close();
  await soon(async () => (await presenceOf('ada', carillon)).devices).toMatchObject([{ device: 'phone' }]);
  expect(await carillon.stop()).toBe(0);
});
