/** Publishes to one Redis channel. The server passes each message on to every socket unchanged. */
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { type Driver, Pending } from '../../support/driver.ts';
import type { MadeEvent } from '../../support/payload.ts';

/** The channel that peers/raw-ws.ts subscribes to. */
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
