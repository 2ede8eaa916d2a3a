/**
 * A user's own records in Redis: those of which the inventory knows the names, and those of which it knows the beginning.
 * The latter are found by SCAN, on the node that has the user's slot. Each part passes over a bounded number of keys.
 */
import type { Cluster, Redis } from 'ioredis';
import { erasureKeyOf, fetchedKeyOf, logKeyOf, manyKeysOf } from '../../adapters/redis/keys.ts';
import { luaScript, runScript } from '../../adapters/redis/script.ts';
import type { Cursor } from '../../contract/notification.ts';
import { InboxUnavailable } from '../../resilience/unavailable.ts';
import { namedKeysOf } from './inventory.ts';
import { eventOfIdentity, type FoundRecords, type PersonalRecords } from './personal-records.ts';

const REPLACE = luaScript(new URL('replace-progress.lua', import.meta.url));

/** Keys that one SCAN passes over, in about half a millisecond, and how many of those make a part. */
const [SCANNED_AT_ONCE, SCANS] = [1_000, 20];

/** An erasure that nobody goes on with. */
const PROGRESS_KEPT_MS = 31 * 86_400_000;

export interface RedisPersonalRecordsOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Redis | Cluster;
  /** The connection to the node that serves the key now, as far as is known. */
  readonly nodeOf: (key: string) => Redis | undefined;
  /** Its `run_id`: where a search has come to means nothing to another process. */
  readonly runIdOf: (key: string) => string | undefined;
}

export class RedisPersonalRecords implements PersonalRecords {
  readonly #options: RedisPersonalRecordsOptions;

  constructor(options: RedisPersonalRecordsOptions) {
    this.#options = options;
  }

  async progress(user: string): Promise<string | undefined> {
    return (await this.#options.redis.get(erasureKeyOf(user))) ?? undefined;
  }

  async replaceProgress(
    user: string,
    before: string | undefined,
    after: string | undefined,
  ): Promise<boolean> {
    const args = [before ?? '', after ?? '', PROGRESS_KEPT_MS];
    return (await runScript(this.#options.redis, REPLACE, [erasureKeyOf(user)], args)) === 1;
  }

  async removeNamed(user: string): Promise<void> {
    await this.#options.redis.unlink(...namedKeysOf(user));
  }

  async search(user: string, from: string | undefined): Promise<FoundRecords> {
    const { nodeOf, runIdOf } = this.#options;
    const key = logKeyOf(`user:${user}`, 'meta');
    const [node, runId] = [nodeOf(key), runIdOf(key)];
    if (node === undefined || runId === undefined) throw new InboxUnavailable('Redis is not connected');
    const [begunAt, begunCursor = '0'] = from?.split(' ') ?? [];
    let cursor = begunAt === runId ? begunCursor : '0';
    const [once, unreached] = [manyKeysOf(user, 'once'), manyKeysOf(user, 'unreached')];
    const names = new Set<string>();
    for (let i = 0; i < SCANS; i += 1) {
      // An encoded id holds nothing that a pattern would read in another way.
      const pattern = `${once.slice(0, -'once:'.length)}*`;
      const [next, found] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', SCANNED_AT_ONCE);
      for (const name of found) if (name.startsWith(once) || name.startsWith(unreached)) names.add(name);
      cursor = next;
      if (cursor === '0') break;
    }
    const behind = (beginning: string) =>
      [...names].flatMap((name) => (name.startsWith(beginning) ? [name.slice(beginning.length)] : []));
    return {
      names: [...names],
      repeats: behind(once).map(eventOfIdentity),
      unreached: behind(unreached).map(placeOf),
      next: cursor === '0' ? undefined : `${runId} ${cursor}`,
    };
  }

  async remove(_user: string, names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#options.redis.unlink(...names);
  }

  async fetched(user: string): Promise<Cursor | undefined> {
    const text = await this.#options.redis.get(fetchedKeyOf(`user:${user}`));
    return text === null ? undefined : placeOf(text.replace(' ', ':'));
  }
}

/** `<epoch>:<offset>` */
function placeOf(text: string): Cursor {
  const [epoch = '', offset] = text.split(':');
  return { epoch, offset: Number(offset) };
}
