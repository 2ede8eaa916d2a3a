/** A second Socket.IO node, without sockets of its own. It emits to the measured node through the Redis adapter. */
import { once } from 'node:events';
import { createShardedAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import type { Driver } from '../../support/driver.ts';
import type { MadeEvent } from '../../support/payload.ts';

export async function openSocketIoDriver(redisUrl: string): Promise<Driver> {
  // Auto-pipelining puts everything that is emitted in one tick into one write.
  const publisher = new Redis(redisUrl, { enableAutoPipelining: true });
  const subscriber = new Redis(redisUrl);
  await Promise.all([once(publisher, 'ready'), once(subscriber, 'ready')]);
  const io = new Server({ adapter: createShardedAdapter(publisher, subscriber) });
  const send = (events: readonly MadeEvent[]) => {
    for (const { specversion: _, ...event } of events)
      for (const audience of event.audience) io.to(audience).emit('notification', event);
  };
  // Redis answers in order, so the adapter's earlier messages are published when this answer arrives.
  const settled = async () => void (await publisher.ping());
  return {
    send,
    settled,
    publish: async (events) => {
      send(events);
      await settled();
    },
    // Without an HTTP server there is nothing else to close.
    close: async () => {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}
