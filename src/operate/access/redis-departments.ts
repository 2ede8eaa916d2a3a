/** Given departments in Redis: one key per user, without an end. Those asked for in one turn are read together. */

import { Cluster, type Redis } from 'ioredis';
import { departmentsKeyOf } from '../../adapters/redis/keys.ts';
import { MicroBatch } from '../../adapters/redis/micro-batch.ts';
import { readStored } from '../../contract/json.ts';
import { type Departments, departmentsSchema } from './departments.ts';

/** Keys of one command. */
const MAX_KEYS = 500;

interface Call {
  readonly user: string;
  readonly resolve: (departments: readonly string[] | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

export class RedisDepartments implements Departments {
  readonly #redis: Redis | Cluster;
  readonly #turn = new MicroBatch<Call>((calls) => this.#leave(calls));

  /** `redis` MUST reject at once while Redis is away. */
  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
  }

  of(user: string): Promise<readonly string[] | undefined> {
    return new Promise((resolve, reject) => this.#turn.add({ user, resolve, reject }));
  }

  async give(user: string, departments: readonly string[]): Promise<void> {
    await this.#redis.set(departmentsKeyOf(user), JSON.stringify(departments));
  }

  async takeBack(user: string): Promise<void> {
    await this.#redis.del(departmentsKeyOf(user));
  }

  #leave(calls: readonly Call[]): void {
    const atOnce = this.#redis instanceof Cluster ? 1 : MAX_KEYS;
    for (let i = 0; i < calls.length; i += atOnce) void this.#ask(calls.slice(i, i + atOnce));
  }

  /** Never rejects: each call gets its own failure. */
  async #ask(calls: readonly Call[]): Promise<void> {
    try {
      const texts = await this.#redis.mget(calls.map(({ user }) => departmentsKeyOf(user)));
      calls.forEach(({ resolve, reject }, i) => {
        try {
          resolve(parse(texts[i]));
        } catch (error) {
          // Whoever wrote it meant something: the token's claim is not a guess to make.
          reject(error);
        }
      });
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }
}

/** @throws when it is not what was written */
function parse(text: string | null | undefined): readonly string[] | undefined {
  if (text === null || text === undefined) return undefined;
  const departments = readStored(departmentsSchema.shape.departments, text);
  if (departments === undefined) throw new Error('what is stored as departments is no list of them');
  return departments;
}
