/**
 * The least that a WebSocket server in Node can do for a broadcast. It makes one frame of each message from a Redis
 * channel, and writes the same bytes to every socket. It has no rooms, no Socket.IO and no compression.
 */
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { Redis } from 'ioredis';
import * as ws from 'ws';
import { CHANNEL } from '../drivers/channel.ts';
import { bearerOf } from './handshake.ts';

const TEXT = 1;

/** ws exports it, but its types lack it. */
interface WithSender {
  readonly Sender: {
    frame(
      data: Buffer,
      options: { fin: boolean; rsv1: boolean; opcode: number; mask: boolean; readOnly: boolean },
    ): readonly Buffer[];
  };
}

function hasSender(module: object): module is WithSender {
  return 'Sender' in module;
}

if (!hasSender(ws)) throw new Error('the installed ws does not export Sender');
const { Sender } = ws;

const { PORT, REDIS_URL = '' } = process.env;
const sockets = new Set<Duplex>();
const httpServer = createServer((_, response) => response.end());
const webSockets = new ws.WebSocketServer({ noServer: true, perMessageDeflate: false });

httpServer.on('upgrade', async (request, socket, head) => {
  try {
    await bearerOf(request.headers.authorization?.slice('Bearer '.length));
  } catch {
    socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    return;
  }
  webSockets.handleUpgrade(request, socket, head, (client) => {
    client.on('close', () => sockets.delete(socket));
    client.send('ready');
    sockets.add(socket);
  });
});

const subscriber = new Redis(REDIS_URL);
subscriber.on('smessageBuffer', (_: Buffer, message: Buffer) => {
  const options = { fin: true, rsv1: false, opcode: TEXT, mask: false, readOnly: true };
  const frame = Buffer.concat(Sender.frame(message, options));
  for (const socket of sockets) socket.write(frame);
});
await subscriber.ssubscribe(CHANNEL);
httpServer.listen(Number(PORT), '127.0.0.1');
