/** Counts the traffic on a connection to Redis: commands, round trips, and log entries. */
import type { Command, Redis } from 'ioredis';
import { z } from 'zod';
import type { RedisConnection } from '../../../src/adapters/redis/connections.ts';
import { VALUES_PER_ENVELOPE } from '../../../src/pipeline/inbox/redis-inbox.ts';
import { finite } from '../../support/figures.ts';

export interface Traffic {
  readonly commands: number;
  /**
   * How often the caller waited for an answer before it sent more. Commands that leave together are one round. A
   * command that follows an answer in round n belongs to round n + 1.
   */
  readonly rounds: number;
  readonly entries: number;
}

/** An entry's place, and its fields. */
const rowsSchema = z.array(z.tuple([z.string().regex(/^\d+-\d+$/), z.array(z.unknown())]));

const envelopesSchema = z.array(z.unknown());

/** Counts while `run` is under way. Nothing else may use the connection in that time. */
export async function trafficOf(redis: RedisConnection, run: () => Promise<unknown>): Promise<Traffic> {
  const send = redis.sendCommand.bind(redis);
  let commands = 0;
  let rounds = 0;
  let answered = 0;
  let entries = 0;
  redis.sendCommand = (command: Command, stream?: Parameters<Redis['sendCommand']>[1]) => {
    const round = answered + 1;
    commands += 1;
    rounds = Math.max(rounds, round);
    const count = (reply: unknown) => {
      answered = Math.max(answered, round);
      entries += entriesIn(reply);
    };
    command.promise.then(count, () => count(undefined));
    return send(command, stream);
  };
  try {
    await run();
  } finally {
    redis.sendCommand = send;
  }
  return { commands, rounds, entries };
}

/** Counts rows as in the answers to XRANGE, and envelopes, which come in one text. */
function entriesIn(reply: unknown): number {
  if (typeof reply === 'string' && reply.startsWith('['))
    return envelopesSchema.parse(JSON.parse(reply)).length / VALUES_PER_ENVELOPE;
  return rowsSchema.safeParse(reply).data?.length ?? 0;
}

export interface RedisUse {
  /** Calls by command, including those inside scripts. */
  readonly calls: ReadonlyMap<string, number>;
  readonly totalCommands: number;
  readonly cpuMicros: number;
  /** Used memory without the buffers of connections. */
  readonly usedBytes: number;
}

/** Redis's own counters. Throws when one is missing. `observer` MUST be a connection of its own. */
export async function useOf(observer: Redis): Promise<RedisUse> {
  const info = await observer.info('everything');
  const number = (name: string) => finite(Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]));
  const calls = Array.from(info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm), ([, name = '', count]) => {
    return [name, Number(count)] as const;
  });
  if (calls.length === 0) throw new Error('Redis says nothing of the calls of commands');
  return {
    calls: new Map(calls.filter(([name]) => name !== 'info')),
    totalCommands: number('total_commands_processed'),
    cpuMicros: (number('used_cpu_user') + number('used_cpu_sys')) * 1e6,
    usedBytes: number('used_memory') - number('mem_clients_normal'),
  };
}

/** The number of calls between two readings, without the observer's own. */
export function callsBetween(before: RedisUse, after: RedisUse, command?: string): number {
  const of = ({ calls }: RedisUse) =>
    command === undefined
      ? [...calls.values()].reduce((sum, count) => sum + count, 0)
      : (calls.get(command) ?? 0);
  return of(after) - of(before);
}
