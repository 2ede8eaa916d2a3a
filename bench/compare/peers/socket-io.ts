/**
 * Stock Socket.IO 4 with its sharded Redis adapter and JWT authentication in a middleware, as their documentation
 * shows. With AMQP_URL it also has the usual service around it: amqplib takes an event, the service emits it to the
 * room, then acknowledges it. It keeps nothing for users who are away.
 */
import { createServer } from 'node:http';
import { createShardedAdapter } from '@socket.io/redis-adapter';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { type DefaultEventsMap, Server } from 'socket.io';
import { EXCHANGE } from '../../support/producer.ts';
import { type Bearer, bearerOf } from './handshake.ts';

const { PORT, REDIS_URL = '', AMQP_URL, DEFLATE } = process.env;

/** Carillon's own default. */
const PREFETCH = 256;
const QUEUE = 'notifications';

const httpServer = createServer((_, response) => response.end());
const publisher = new Redis(REDIS_URL);
const io = new Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Bearer>(httpServer, {
  adapter: createShardedAdapter(publisher, publisher.duplicate()),
  // With deflate, the burst takes so long that stock would disconnect most clients at its default of 20 seconds.
  pingTimeout: 120_000,
  perMessageDeflate: DEFLATE === 'true' ? { threshold: 512 } : false,
});

io.use(async (socket, next) => {
  try {
    Object.assign(socket.data, await bearerOf(socket.handshake.auth.token));
    next();
  } catch {
    next(new Error('unauthorized'));
  }
});
io.on('connection', (socket) => {
  const { user, departments } = socket.data;
  socket.join([`user:${user}`, 'global', ...departments.map((id) => `department:${id}`)]);
});

if (AMQP_URL !== undefined) await consume(AMQP_URL);
httpServer.listen(Number(PORT), '127.0.0.1');

async function consume(url: string): Promise<void> {
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
  await channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await channel.bindQueue(QUEUE, EXCHANGE, '#');
  await channel.prefetch(PREFETCH);
  await channel.consume(QUEUE, (message) => {
    if (message === null) throw new Error('the consumer was cancelled');
    const event = JSON.parse(message.content.toString());
    io.to(event.audience).emit('notification', event);
    channel.ack(message);
  });
}
