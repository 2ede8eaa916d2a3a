/**
 * These packages stay outside of the bundle because tracing tools patch them by name. Those that share classes with
 * Socket.IO stay out too. Whatever is here is in the tarball of the service as well (scripts/pack.mjs).
 */
export const OUTSIDE = [
  '@socket.io/redis-adapter',
  'amqplib',
  'engine.io',
  'ioredis',
  'pino',
  'socket.io',
  'socket.io-adapter',
  'socket.io-parser',
  'ws',
];
