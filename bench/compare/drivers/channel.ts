/** Publishes to one Redis channel what goes to every socket as it is. */
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { type Driver, Pending } from '../../support/driver.ts';

/** What peers/raw-ws.ts listens to. */
export const CHANNEL = 'broadcast';

export async function openChannelDriver(redisUrl: string): Promise<Driver> {
  const publisher = new Redis(redisUrl, { enableAutoPipelining: true });
  await once(publisher, 'ready');
  const pending = new Pending();
  return {
    send(events) {
      for (const { specversion: _, ...event } of events)
        pending.add(publisher.spublish(CHANNEL, `42["notification",${JSON.stringify(event)}]`));
    },
    settled: () => pending.settled(),
    close: async () => publisher.disconnect(),
  };
}
