/** What is relied on in the installed @socket.io/redis-adapter, public or not: fails when an upgrade moves it. */
import { createServer, type Server as HttpServer } from 'node:http';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { type Namespace, Server } from 'socket.io';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import { channelOf, RedisLive } from '../../src/edge/gateway/redis-live-messages.ts';
import { encodeLiveMessage, type LiveMessage } from '../../src/pipeline/inbox/live-message.ts';
import { connectClient } from '../support/client.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

interface Node {
  readonly io: Server;
  readonly http: HttpServer;
  readonly live: RedisLive;
  readonly url: string;
  readonly received: { audience: Audience; message: LiveMessage }[];
  readonly connections: Redis[];
}

let redis: RedisServer;
let control: Redis;
let nodes: Node[];

beforeAll(async () => {
  redis = await startRedis();
  control = new Redis(redis.url);
  nodes = await Promise.all([startNode(), startNode()]);
});
afterAll(async () => {
  for (const { io, connections } of nodes) {
    await io.close();
    for (const connection of connections) connection.disconnect();
  }
  control.disconnect();
  await redis.stop();
});

async function startNode(): Promise<Node> {
  const [publisher, subscriber] = [new Redis(redis.url), new Redis(redis.url)];
  const live = new RedisLive(publisher, subscriber, pino({ level: 'silent' }));
  const received: Node['received'] = [];
  const http = createServer();
  function createAdapter(namespace: Namespace) {
    return live.adapterFor(namespace, {
      notification: (audience, message) => received.push({ audience, message }),
      marks: () => {},
      gap: () => {},
    });
  }
  const io = new Server(http, { adapter: createAdapter });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return { io, http, live, url: `http://127.0.0.1:${port}`, received, connections: [publisher, subscriber] };
}

/** A socket on a node, in a room. */
async function socketIn(node: Node | undefined, room: string) {
  if (node === undefined) throw new Error('no such node');
  const arrived = new Promise<string>((resolve) => {
    node.io.once('connection', async (socket) => {
      await socket.join(room);
      resolve(socket.id);
    });
  });
  const client = connectClient(node.url, undefined);
  const id = await arrived;
  await node.live.inForce(room);
  return { client, id, node };
}

/** How many connections are subscribed to a room's channel. */
async function subscribers(room: string): Promise<number> {
  const reply = await control.call('PUBSUB', 'SHARDNUMSUB', channelOf(room));
  return Array.isArray(reply) ? Number(reply[1]) : Number.NaN;
}

test('a hosted room is subscribed to under the name that appends publish on, and in force when it says so', async () => {
  const { client } = await socketIn(nodes[0], '{user:1}');
  expect(await subscribers('{user:1}')).toBe(1);
  client.close();
  await until('the subscription to end', 20_000, async () => (await subscribers('{user:1}')) === 0);
});

test('waiting for a room that is not hosted is an error', async () => {
  await expect(nodes[0]?.live.inForce('{user:nobody}')).rejects.toThrow('nothing subscribes');
});

test('what bears our header comes to us, and what does not goes its own way', async () => {
  const { client, node } = await socketIn(nodes[0], '{user:2}');
  const bytes = encodeLiveMessage({ epoch: 'abc', offset: 5, sampled: false, json: '{}' });
  await control.spublish(channelOf('{user:2}'), bytes);
  await until('our message', 20_000, () => node.received.length > 0);
  expect(node.received).toEqual([
    {
      audience: 'user:2',
      message: {
        epoch: 'abc',
        offset: 5,
        sampled: false,
        traced: false,
        packet: Buffer.from('42["notification",{}]'),
      },
    },
  ]);

  const plain = new Promise((resolve) => client.socket.once('plain', resolve));
  nodes[1]?.io.to('{user:2}').emit('plain', { text: 'from the other node', bytes: Buffer.from([1, 2, 3]) });
  expect(await plain).toEqual({ text: 'from the other node', bytes: Buffer.from([1, 2, 3]) });
  expect(node.received).toHaveLength(1);
  client.close();
});

test("the adapter's own commands still reach other nodes", async () => {
  const { client, id } = await socketIn(nodes[0], '{user:3}');
  // The adapter gives an answer five seconds.
  await expect
    .poll(async () => (await nodes[1]?.io.in('{user:3}').fetchSockets())?.map((socket) => socket.id))
    .toEqual([id]);
  const gone = new Promise((resolve) => client.socket.once('disconnect', resolve));
  nodes[1]?.io.in('{user:3}').disconnectSockets(true);
  await gone;
});

test('a room whose name has 20 characters is like any other', async () => {
  const room = '{user:twenty-chars-}';
  expect(room).toHaveLength(20);
  const { client, node } = await socketIn(nodes[1], room);
  node.received.length = 0;
  await control.spublish(
    channelOf(room),
    encodeLiveMessage({ epoch: 'a', offset: 1, sampled: false, json: '{}' }),
  );
  await until('the message', 20_000, () => node.received.length === 1);
  client.close();
});
