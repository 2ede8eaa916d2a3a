/** The clients for sync.ts, in a process of their own: sockets that send requests as ordered. */
import { io, type Socket } from 'socket.io-client';
import { z } from 'zod';
import type { Cursor } from '../../../src/contract/notification.ts';
import { missedByAudienceSchema } from '../../../src/contract/recovery.ts';
import { sessionSchema } from '../../../src/contract/socket.ts';
import { inHand } from '../../support/load.ts';

const [url = '', ...tokens] = process.argv.slice(2);

const orderSchema = z.object({
  request: z.enum(['sync', 'ping']),
  audiences: z.int(),
  /** For each audience, how many notifications the client claims to lack. */
  behind: z.int(),
  /** The number of requests under way on each socket. */
  atOnce: z.int(),
  count: z.int(),
});

interface Client {
  readonly socket: Socket;
  readonly cursors: Readonly<Record<string, Cursor>>;
}

async function connect(token: string): Promise<Client> {
  const socket = io(url, { forceNew: true, transports: ['websocket'], auth: { token } });
  const session = await new Promise((resolve) => socket.once('session', resolve));
  const { audiences } = sessionSchema.parse(session);
  const cursors = Object.fromEntries(
    Object.entries(audiences).map(([audience, { epoch, head }]) => [audience, { epoch, offset: head }]),
  );
  return { socket, cursors };
}

async function ask({ socket, cursors }: Client, order: z.infer<typeof orderSchema>): Promise<void> {
  const { request, audiences, behind, atOnce, count } = order;
  const some = Object.entries(cursors).slice(0, audiences);
  const places = some.map(([audience, { epoch, offset }]) => [audience, { epoch, offset: offset - behind }]);
  const body = request === 'sync' ? { cursors: Object.fromEntries(places) } : {};
  let answer: unknown;
  await inHand(atOnce, count, async () => {
    answer = await socket.emitWithAck(request, body);
  });
  if (request === 'ping') return;
  const missed = Object.values(missedByAudienceSchema.parse(answer).audiences);
  const isMeant = missed.every((found) => found?.recovered && found.notifications.length === behind);
  if (!isMeant || missed.length !== audiences) throw new Error('answered in another way than meant');
}

const clients = await Promise.all(tokens.map(connect));
process.on('message', async (message) => {
  const order = orderSchema.parse(message);
  const count = order.count / clients.length;
  await Promise.all(clients.map((client) => ask(client, { ...order, count })));
  process.send?.('done');
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
