/** Appends to the inboxes in Redis like a consumer of Carillon. Each append publishes to the gateways. */
import { once } from 'node:events';
import { connectForCommands } from '../../../src/adapters/redis/connections.ts';
import { RunIds } from '../../../src/adapters/redis/nodes.ts';
import type { Audience } from '../../../src/contract/audience.ts';
import { encodeEvent } from '../../../src/contract/notification.ts';
import { createLog } from '../../../src/observe/log.ts';
import { identityOf } from '../../../src/pipeline/inbox/inbox.ts';
import { RedisInbox } from '../../../src/pipeline/inbox/redis-inbox.ts';
import { until } from '../../../test/support/until.ts';
import { type Driver, Pending } from '../../support/driver.ts';
import { inHand } from '../../support/load.ts';
import type { MadeEvent } from '../../support/payload.ts';

/** How many logs are written at the same time. */
const LOGS_AT_ONCE = 16;

const DAY_MS = 86_400_000;
/** The defaults of INBOX_MAX_LENGTH, INBOX_MAX_AGE and DEDUPE_SECONDS. */
const LIMITS = { maxLength: same(1_000), maxAgeMs: same(30 * DAY_MS), dedupeMs: DAY_MS };

export async function openInboxDriver(redisUrl: string): Promise<Driver> {
  const log = createLog({ level: 'silent', redact: [] });
  const redis = connectForCommands({ kind: 'standalone', url: redisUrl }, log);
  const runIds = new RunIds(redis);
  await once(redis, 'ready');
  await until('the run id of Redis', 5_000, () => runIds.of('') !== undefined);
  const inbox = new RedisInbox({
    redis,
    runIdOf: (key) => runIds.of(key),
    channelOf: (room) => `socket.io#/#${room}#`,
    limits: LIMITS,
  });
  const pending = new Pending();

  async function append(audience: Audience, events: readonly MadeEvent[]) {
    const receivedAt = new Date();
    const entries = events.map((event) => ({
      source: event.source,
      id: event.id,
      text: encodeEvent(event, receivedAt)(audience),
      sampled: false,
    }));
    return { entries, appended: await inbox.append(audience, entries) };
  }

  async function reach(audience: Audience, events: readonly MadeEvent[]): Promise<void> {
    const { entries, appended } = await append(audience, events);
    const wrong = appended.findIndex(({ repeat, gateways }) => repeat || gateways !== 1);
    const [entry] = entries.slice(wrong);
    if (wrong !== -1 && entry !== undefined)
      throw new Error(`${identityOf(entry)} did not reach the gateway`);
  }

  return {
    send(events) {
      for (const [audience, own] of byAudience(events)) pending.add(reach(audience, own));
    },
    async publish(events) {
      const groups = [...byAudience(events)];
      await inHand(LOGS_AT_ONCE, groups.length, async (at) => {
        const [audience, own] = groups[at] ?? [];
        if (audience !== undefined && own !== undefined) await append(audience, own);
      });
    },
    settled: () => pending.settled(),
    close: async () => redis.disconnect(),
  };
}

function byAudience(events: readonly MadeEvent[]): Map<Audience, MadeEvent[]> {
  const groups = new Map<Audience, MadeEvent[]>();
  for (const event of events) {
    for (const audience of event.audience) {
      const group = groups.get(audience);
      if (group === undefined) groups.set(audience, [event]);
      else group.push(event);
    }
  }
  return groups;
}

function same(value: number) {
  return { user: value, department: value, topic: value, global: value };
}
