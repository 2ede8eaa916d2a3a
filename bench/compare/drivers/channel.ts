/** Publishes to one Redis channel what goes to every socket as it is. */
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { type Driver, Pending } from '../../support/driver.ts';
import type { MadeEvent } from '../../support/payload.ts';

/** What peers/raw-ws.ts listens to. */
export const CHANNEL = 'broadcast';

export async function openChannelDriver(redisUrl: string): Promise<Driver> {
  const publisher = new Redis(redisUrl, { enableAutoPipelining: true });
  await once(publisher, 'ready');
  const pending = new Pending();
  const send = (events: readonly MadeEvent[]) => {
    for (const { specversion: _, ...event } of events)
      pending.add(publisher.spublish(CHANNEL, `42["notification",${JSON.stringify(event)}]`));
  };
  return {
    send,
    settled: () => pending.settled(),
    publish: async (events) => {
      send(events);
      await pending.settled();
    },
    close: async () => publisher.disconnect(),
  };
}
