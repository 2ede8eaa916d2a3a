/** The servers that are compared: how each one starts, how clients speak to it, and what makes it send. */
import type { Protocol } from '../support/client.ts';
import type { Driver } from '../support/driver.ts';
import { openChannelDriver } from './drivers/channel.ts';
import { openInboxDriver } from './drivers/inbox.ts';
import { openSocketIoDriver } from './drivers/socket-io.ts';
import type { ContestantName, Setup } from './job.ts';

export interface Contestant {
  readonly program: string;
  readonly protocol: Protocol;
  /** The number of Redis Pub/Sub channels that the server subscribes to when this many users are connected. */
  readonly channels: (users: number) => number;
  /** `consumes`: the server takes events from RabbitMQ. */
  environment(setup: Setup, consumes: boolean): Readonly<Record<string, string>>;
  /** Opens a driver that reaches the server through Redis. */
  openDriver(redisUrl: string): Promise<Driver>;
}

const SOCKET_IO = { path: '/socket.io/?EIO=4&transport=websocket', tokenIn: 'connect' } as const;

/** Seen from the compiled files, which are in bench/compare/dist/bench/compare. */
const ROOT = new URL('../../../../../', import.meta.url);

const stock = (deflate: boolean): Contestant => ({
  program: new URL('peers/socket-io.js', import.meta.url).pathname,
  protocol: { ...SOCKET_IO, firstMessage: '40{', offersDeflate: deflate },
  channels: (users) => users + 1,
  environment: ({ redisUrl, amqpUrl }, consumes) => ({
    REDIS_URL: redisUrl,
    DEFLATE: String(deflate),
    ...(consumes ? { AMQP_URL: amqpUrl } : {}),
  }),
  openDriver: openSocketIoDriver,
});

export const contestants: Readonly<Record<ContestantName, Contestant>> = {
  carillon: {
    program: new URL('dist/main.js', ROOT).pathname,
    protocol: { ...SOCKET_IO, firstMessage: '42["session",', offersDeflate: true },
    channels: (users) => users + 1,
    environment: ({ redisUrl, amqpUrl }, consumes) => ({
      REDIS_URL: redisUrl,
      AMQP_URL: amqpUrl,
      HOST: '127.0.0.1',
      OPS_PORT: '0',
      // All clients come from this one machine.
      CONNECTIONS_PER_ADDRESS: '100000',
      // Without a consumer, a gateway would wait for its canary for ever.
      ...(consumes ? { ROLES: 'gateway,consumer' } : { ROLES: 'gateway', CANARY_SECONDS: '0' }),
    }),
    openDriver: openInboxDriver,
  },
  stock: stock(false),
  'stock-deflate': stock(true),
  'raw-ws': {
    program: new URL('peers/raw-ws.js', import.meta.url).pathname,
    protocol: { path: '/', tokenIn: 'header', firstMessage: 'ready', offersDeflate: false },
    channels: () => 1,
    environment: ({ redisUrl }) => ({ REDIS_URL: redisUrl }),
    openDriver: openChannelDriver,
  },
};
