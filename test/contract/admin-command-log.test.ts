/** The contract of command logs, kept by the one in memory and the one in Redis. */
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AdminCommand } from '../../src/operate/access/admin-command.ts';
import type { AdminCommandLog } from '../../src/operate/access/admin-command-log.ts';
import { MemoryAdminCommandLog } from '../../src/operate/access/memory-admin-command-log.ts';
import { RedisAdminCommandLog } from '../../src/operate/access/redis-admin-command-log.ts';
import { freshRedis } from '../support/servers.ts';

const DAY_MS = 86_400_000;
const disconnect = (user: string): AdminCommand => ({ kind: 'disconnect', user });

function connect(url: string): Redis {
  const redis = new Redis(url);
  onTestFinished(() => redis.disconnect());
  return redis;
}

async function redisLog(keptMs = DAY_MS) {
  const url = await freshRedis();
  const [redis, subscriber] = [connect(url), connect(url)];
  return { redis, log: new RedisAdminCommandLog({ redis, subscriber, keptMs, now: Date.now }) };
}

const logs: Record<string, () => Promise<AdminCommandLog>> = {
  memory: async () => new MemoryAdminCommandLog(),
  Redis: async () => (await redisLog()).log,
};

describe.for(Object.entries(logs))('%s', ([, open]) => {
  test('gives all that was appended, in order, and from a place on what came behind it', async () => {
    const log = await open();
    expect(await log.read(undefined)).toEqual([]);
    for (const user of ['a', 'b', 'c']) await log.append(disconnect(user));
    const all = await log.read(undefined);
    expect(all.map(({ command }) => command)).toEqual(['a', 'b', 'c'].map(disconnect));
    expect(await log.read(all[0]?.place)).toEqual(all.slice(1));
    expect(await log.read(all[2]?.place)).toEqual([]);
  });

  test('says that there is more', async () => {
    const log = await open();
    let calls = 0;
    log.onNew(() => {
      calls += 1;
    });
    // The subscription may take a moment to be in force.
    await expect
      .poll(async () => {
        await log.append(disconnect('a'));
        return calls;
      })
      .toBeGreaterThan(0);
  });
});

describe('in Redis', () => {
  test('more than one page is read', async () => {
    const { redis, log } = await redisLog();
    const pipeline = redis.pipeline();
    for (let i = 0; i < 2_500; i += 1) {
      pipeline.xadd('carillon:{directives}:log', '*', 'd', JSON.stringify(disconnect(`u${i}`)));
    }
    await pipeline.exec();
    const all = await log.read(undefined);
    const commands = Array.from({ length: 2_500 }, (_, i) => disconnect(`u${i}`));
    expect(all.map(({ command }) => command)).toEqual(commands);
  });

  test('what a newer version wrote is passed over, and what is behind it is read', async () => {
    const { redis, log } = await redisLog();
    for (const text of ['{"kind":"from-the-future","user":"a"}', 'no JSON']) {
      await redis.xadd('carillon:{directives}:log', '*', 'd', text);
    }
    await log.append(disconnect('b'));
    const all = await log.read(undefined);
    expect(all.map(({ command }) => command)).toEqual([undefined, undefined, disconnect('b')]);
  });

  test('what is older than any token is dropped', async () => {
    const { redis, log } = await redisLog(DAY_MS);
    const longAgo = Date.now() - 2 * DAY_MS;
    // Redis drops whole nodes of a stream, of a hundred entries.
    for (let i = 0; i < 300; i += 1) {
      await redis.xadd('carillon:{directives}:log', `${longAgo}-${i + 1}`, 'd', '{}');
    }
    await log.append(disconnect('b'));
    expect(await redis.xlen('carillon:{directives}:log')).toBeLessThan(200);
    expect((await log.read(undefined)).at(-1)?.command).toEqual(disconnect('b'));
  });
});
