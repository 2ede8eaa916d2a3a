/**
 * The trail in Redis: a hash per event id, by source. What one turn of the event loop settled leaves in one script; on Cluster
 * each id goes alone, since they live in different slots.
 */
import { Cluster, type Redis } from 'ioredis';
import { parseJson } from '../contract/json.ts';
import { luaScript, runScript } from '../inbox/redis-script.ts';
import { Turn } from '../inbox/turn.ts';
import { type EventIdentity, type SettledEvent, settledEventSchema, type Trail } from './trail.ts';

const RECORD = luaScript(new URL('trail.lua', import.meta.url));

/** Bounds one script's run time in Redis. */
const AT_ONCE = 100;

interface Settled extends EventIdentity {
  readonly text: string;
}

export interface RedisTrailOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Redis | Cluster;
  /** 0: nothing is kept. */
  readonly keptMs: number;
  /** What could not be kept is gone: an event's trail is no reason to hold the event. */
  readonly onLost: (error: unknown) => void;
}

export class RedisTrail implements Trail {
  readonly #options: RedisTrailOptions;
  readonly #turn = new Turn<Settled>((all) => this.#leave(all));

  constructor(options: RedisTrailOptions) {
    this.#options = options;
  }

  record({ source, id }: EventIdentity, settled: SettledEvent): void {
    if (this.#options.keptMs > 0) this.#turn.add({ source, id, text: JSON.stringify(settled) });
  }

  async find(id: string): Promise<ReadonlyMap<string, SettledEvent>> {
    const bySource = new Map<string, SettledEvent>();
    for (const [source, text] of Object.entries(await this.#options.redis.hgetall(keyOf(id)))) {
      const json = parseJson(Buffer.from(text));
      const settled = json.ok ? settledEventSchema.safeParse(json.value).data : undefined;
      if (settled !== undefined) bySource.set(source, settled);
    }
    return bySource;
  }

  #leave(all: readonly Settled[]): void {
    const { redis, keptMs, onLost } = this.#options;
    const size = redis instanceof Cluster ? 1 : AT_ONCE;
    for (let i = 0; i < all.length; i += size) {
      const some = all.slice(i, i + size);
      const keys = some.map(({ id }) => keyOf(id));
      const args = [keptMs, ...some.flatMap(({ source, text }) => [source, text])];
      runScript(redis, RECORD, keys, args).catch(onLost);
    }
  }
}

function keyOf(id: string): string {
  return `carillon:{event:${id}}:trail`;
}
