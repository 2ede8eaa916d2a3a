/** Lua scripts in Redis: loaded from their files, run by their hash, and what their failures mean. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Cluster, Redis } from 'ioredis';
import { reasonOf } from '../../resilience/reason.ts';
import { InboxUnavailable, isUnavailable } from '../../resilience/unavailable.ts';

interface LuaScript {
  readonly source: string;
  readonly sha: string;
}

/**
 * One script of the files' texts, in their order.
 *
 * @throws the system's error when a file cannot be read
 */
export function luaScript(...files: readonly URL[]): LuaScript {
  const source = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/** EVALSHA, or EVAL when this node does not have the script yet. */
export async function runScript(
  redis: Redis | Cluster,
  { source, sha }: LuaScript,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return await redis.eval(source, keys.length, ...keys, ...args);
  }
}

/** Rejects with InboxUnavailable when Redis is away, loading, full or read-only. Any other fault stays as it is. */
export async function unavailable<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw isUnavailable(error) ? new InboxUnavailable(reasonOf(error), error) : error;
  }
}

/** The answer did not come in time; what was asked for may have been done. */
export function isTimeout(error: unknown): boolean {
  if (!(error instanceof InboxUnavailable)) return false;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause && cause.code === 'timed_out';
}

/** The key holds something else than it should: the fault of this key alone. */
export function isWrongType(error: unknown): boolean {
  return error instanceof InboxUnavailable && error.message.startsWith('WRONGTYPE');
}
