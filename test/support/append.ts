/** Appends to a log like a consumer, for tests that bypass or replace the consumer. */
import type { Redis } from 'ioredis';
import type { Audience } from '../../src/contract/audience.ts';
import { RedisInbox } from '../../src/pipeline/inbox/redis-inbox.ts';
import { entry, LONG_LIVED } from '../contract/inbox-contract.ts';

/** The run id of the process that serves this connection. */
export async function runIdOf(control: Redis): Promise<string | undefined> {
  return /^run_id:(\w+)/m.exec(await control.info('server'))?.[1];
}

/** `channelOf`: the channel of the audience's room, or a channel without listeners. */
export async function appendAt(
  control: Redis,
  channelOf: (room: string) => string,
  audience: Audience,
  id: string,
): Promise<void> {
  const runId = await runIdOf(control);
  const inbox = new RedisInbox({ redis: control, runIdOf: () => runId, channelOf, limits: LONG_LIVED });
  await inbox.append(audience, [entry(id, audience)]);
}
