/**
 * A log on two Redis servers, one of which serves it, with the real scripts. The connection to each server lasts as
 * long as the test.
 */
import { Redis } from 'ioredis';
import { logKeyOf } from '../../src/adapters/redis/keys.ts';
import { channelOf } from '../../src/edge/gateway/redis-live-messages.ts';
import type { Appended, Inbox } from '../../src/pipeline/inbox/inbox.ts';
import { RedisInbox } from '../../src/pipeline/inbox/redis-inbox.ts';
import { entry, LONG_LIVED } from '../contract/inbox-contract.ts';
import { runIdOf } from './append.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { AUDIENCE, type Removable, type SharedLog } from './shared-log.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 20_000;

/** After a restart, another process serves the machine. Its connection reconnects by itself. */
interface Machine {
  readonly server: RedisServer;
  readonly redis: Redis;
  readonly inbox: RedisInbox;
  runId: string | undefined;
}

export class RedisLog implements SharedLog {
  readonly inbox: Inbox;
  #serving: Machine;
  #other: Machine;

  private constructor(serving: Machine, other: Machine) {
    this.#serving = serving;
    this.#other = other;
    this.inbox = new Proxy(serving.inbox, {
      get: (_first, name) => {
        const { inbox } = this.#serving;
        const value: unknown = Reflect.get(inbox, name, inbox);
        return typeof value === 'function' ? value.bind(inbox) : value;
      },
    });
  }

  static async start(): Promise<RedisLog> {
    const [serving, other] = await Promise.all([startMachine(), startMachine()]);
    return new RedisLog(serving, other);
  }

  async stop(): Promise<void> {
    for (const { redis, server } of [this.#serving, this.#other]) {
      redis.disconnect();
      await server.stop();
    }
  }

  /** Removes everything, so that another life can begin. */
  async clear(): Promise<void> {
    for (const { redis } of [this.#serving, this.#other]) {
      await redis.flushall();
      await save(redis);
    }
  }

  async append(ids: readonly string[]): Promise<readonly Appended[]> {
    return await this.inbox.append(
      AUDIENCE,
      ids.map((id) => entry(id, AUDIENCE)),
    );
  }

  /** A failover uses REPLICAOF in the same way. Open connections stay open. */
  async replicate(): Promise<void> {
    const { redis } = this.#other;
    await redis.replicaof('127.0.0.1', this.#serving.server.port);
    await until('the replica to be in step', TIMEOUT_MS, async () => {
      const own = await redis.info('replication');
      const primary = await this.#serving.redis.info('replication');
      return own.includes('master_link_status:up') && offsetIn(own) === offsetIn(primary);
    });
    await redis.replicaof('NO', 'ONE');
  }

  async failOver(): Promise<void> {
    [this.#serving, this.#other] = [this.#other, this.#serving];
    await this.replicate();
  }

  async restart(): Promise<void> {
    await save(this.#serving.redis);
    await this.restore();
  }

  async backUp(): Promise<void> {
    await save(this.#serving.redis);
  }

  async restore(): Promise<void> {
    const machine = this.#serving;
    await machine.server.kill();
    await machine.server.restart();
    await until('the connection', TIMEOUT_MS, async () => {
      const runId = await runIdOf(machine.redis).catch(() => undefined);
      const isAnother = runId !== undefined && runId !== machine.runId;
      if (isAnother) machine.runId = runId;
      return isAnother;
    });
  }

  async remove(what: Removable): Promise<void> {
    const { redis } = this.#serving;
    const [log, meta] = [logKeyOf(AUDIENCE, 'log'), logKeyOf(AUDIENCE, 'meta')];
    if (what === 'head') await redis.hdel(meta, 'head');
    if (what === 'meta' || what === 'log and meta') await redis.del(meta);
    if (what === 'log' || what === 'log and meta') await redis.del(log);
    if (what === 'everything') await redis.flushall();
  }
}

async function startMachine(): Promise<Machine> {
  const server = await startRedis();
  const redis = new Redis(server.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => {});
  await redis.config('SET', 'repl-diskless-sync-delay', 0);
  await redis.config('SET', 'hz', 100);
  const machine: Machine = {
    server,
    redis,
    inbox: new RedisInbox({ redis, runIdOf: () => machine.runId, channelOf, limits: LONG_LIVED }),
    runId: await runIdOf(redis),
  };
  return machine;
}

/** SAVE may fail at first, because Redis may still be writing a copy for a replica that has left. */
async function save(redis: Redis): Promise<void> {
  await until('the backup', TIMEOUT_MS, async () => (await redis.save().catch(() => '')) === 'OK');
}

/** How much of the replication stream a replica has applied, or a primary has written. */
function offsetIn(info: string): string | undefined {
  return /^(?:slave_repl_offset|master_repl_offset):(\d+)/m.exec(info)?.[1];
}
