/**
 * Limits how many sessions a user may have on all nodes together. Presence knows those that have begun, and takes those
 * of dead nodes away. Here a session counts from when it is let in until presence has it, so that many that connect at
 * once to many nodes cannot be more than are allowed.
 */
import type { Cluster, Redis } from 'ioredis';
import { AskedTogether } from '../../adapters/redis/asked-together.ts';
import { admittedKeyOf, sessionsKeyOf } from '../../adapters/redis/keys.ts';
import { luaScript, runScript, unavailable } from '../../adapters/redis/script.ts';
import { SweptMap } from '../../resilience/swept-map.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';

const PLACES = luaScript(new URL('session-places.lua', import.meta.url));

/** Sessions in one script. */
const MAX_KEYS = 200;

/** A user's sessions are looked through so often at most, however often the user is refused. */
const LOOK_EVERY_MS = 5_000;

export interface SessionPlacesOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Redis | Cluster;
  /** Most sessions of one user. */
  readonly most: number;
  /** MUST be longer than a session takes from being let in until presence has it. */
  readonly leaseMs: number;
  /** Takes the user's sessions on dead nodes away. */
  readonly dropDead: (user: string) => Promise<unknown>;
  /** A clock that never goes back. */
  readonly now: () => number;
  readonly onRefused: () => void;
  /** There is no answer: this process decides alone. */
  readonly onAlone: (error: unknown) => void;
  readonly onCounted: () => void;
  /** Something failed although Redis is not away. */
  readonly onFault: (error: unknown) => void;
}

interface Newcomer {
  readonly user: string;
  readonly session: string;
}

export class RedisSessionPlaces {
  readonly #options: SessionPlacesOptions;
  readonly #places: AskedTogether<Newcomer, boolean>;
  /** When users' sessions were looked through for those of dead nodes. */
  readonly #lookedMs: SweptMap<string, number>;

  constructor(options: SessionPlacesOptions) {
    this.#options = options;
    const { redis, now } = options;
    this.#lookedMs = new SweptMap((lookedMs) => now() - lookedMs >= LOOK_EVERY_MS);
    this.#places = new AskedTogether({ redis, maxKeys: MAX_KEYS, ask: (newcomers) => this.#ask(newcomers) });
  }

  /**
   * Resolves with whether the session may begin; without an answer it may. Never rejects. If it may, the caller MUST
   * call {@link end} once it is over or does not begin.
   */
  async begin(user: string, session: string): Promise<boolean> {
    const { onRefused, onAlone, onCounted, onFault } = this.#options;
    try {
      const isLetIn = (await this.#places.of({ user, session })) || (await this.#retried({ user, session }));
      onCounted();
      if (!isLetIn) onRefused();
      return isLetIn;
    } catch (error) {
      if (isUnavailable(error)) onAlone(error);
      else onFault(error);
      return true;
    }
  }

  end(user: string, session: string): void {
    // What stays there ends with its lease.
    this.#options.redis.zrem(admittedKeyOf(user), session).catch(() => {});
  }

  /** Again without the sessions of dead nodes, unless they were taken away a moment ago. */
  async #retried(newcomer: Newcomer): Promise<boolean> {
    const { now, dropDead } = this.#options;
    const nowMs = now();
    const { user } = newcomer;
    if (nowMs - (this.#lookedMs.get(user) ?? Number.NEGATIVE_INFINITY) < LOOK_EVERY_MS) return false;
    this.#lookedMs.set(user, nowMs);
    await dropDead(user);
    return await this.#places.of(newcomer);
  }

  async #ask(newcomers: readonly Newcomer[]): Promise<readonly boolean[]> {
    const { redis, most, leaseMs } = this.#options;
    const keys = newcomers.flatMap(({ user }) => [sessionsKeyOf(user), admittedKeyOf(user)]);
    const args = [most, leaseMs, ...newcomers.map(({ session }) => session)];
    const reply = await unavailable(() => runScript(redis, PLACES, keys, args));
    if (!Array.isArray(reply)) throw new Error('the script of places answered in another form than expected');
    return reply.map((one) => one === 1);
  }
}
