/** Given departments in Redis: one key per user, without an end. */
import type { Cluster, Redis } from 'ioredis';
import { AskedTogether } from '../../adapters/redis/asked-together.ts';
import { departmentsKeyOf } from '../../adapters/redis/keys.ts';
import { readStored } from '../../contract/json.ts';
import { type Departments, departmentsSchema } from './departments.ts';

const MAX_KEYS = 500;

export class RedisDepartments implements Departments {
  readonly #redis: Redis | Cluster;
  readonly #texts: AskedTogether<string, string | null>;

  /** `redis` MUST reject at once while Redis is away. */
  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    const ask = (users: readonly string[]) => redis.mget(users.map(departmentsKeyOf));
    this.#texts = new AskedTogether({ redis, maxKeys: MAX_KEYS, ask });
  }

  async of(user: string): Promise<readonly string[] | undefined> {
    const text = await this.#texts.of(user);
    if (text === null) return undefined;
    const departments = readStored(departmentsSchema.shape.departments, text);
    // Whoever wrote it meant something: the token's claim is not a guess to make.
    if (departments === undefined) throw new Error('what is stored as departments is no list of them');
    return departments;
  }

  async give(user: string, departments: readonly string[]): Promise<void> {
    await this.#redis.set(departmentsKeyOf(user), JSON.stringify(departments));
  }

  async takeBack(user: string): Promise<void> {
    await this.#redis.del(departmentsKeyOf(user));
  }
}
