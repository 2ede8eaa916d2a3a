/**
 * Activity of several processes, over two sharded channels in one Cluster slot. A process whose console is watched
 * says so every second on the first channel, which all processes hear. For a few seconds after that, each process
 * publishes what it saw on the second channel, which only watching processes hear. So while nobody watches, nothing
 * is sent in either direction, and no key is ever read.
 */

import type { Cluster, Redis } from 'ioredis';
import { activityChannelOf } from '../../adapters/redis/keys.ts';
import type { Tick } from '../../contract/console.ts';
import { readStored } from '../../contract/json.ts';
import type { Activity, Seen } from './activity.ts';
import { batchSchema } from './batch.ts';
import { Collector, type CollectorOptions } from './collector.ts';
import { Merger } from './merger.ts';
import { everyWindow } from './windows.ts';

const SAY_EVERY_MS = 1_000;

/** Two of the messages that are sent every second may be lost. */
const WATCHED_MS = 3_000;

/** Time for all batches of a window to arrive, as networks are slow and clocks differ. */
const WAIT_MS = 125;

/**
 * What this uses of the subscribing connection: ioredis' Redis has it, and cluster-subscriber.ts adds it for a
 * Cluster.
 */
interface ActivitySubscriber {
  on(event: 'smessageBuffer', listener: (channel: Buffer, message: Buffer) => void): unknown;
  ssubscribe(channel: string): Promise<unknown>;
  sunsubscribe(channel: string): Promise<unknown>;
}

export interface RedisTapOptions extends CollectorOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Pick<Redis | Cluster, 'spublish'>;
  /** MUST retry for ever while Redis is away. */
  readonly subscriber: ActivitySubscriber;
  /** Suffix of the channels' names, which names the Redis database that the service uses. */
  readonly suffix?: string;
}

export class RedisActivity implements Activity {
  readonly #options: RedisTapOptions;
  readonly #watched: string;
  readonly #batches: string;
  readonly #collector: Collector;
  readonly #listeners = new Set<(tick: Tick) => void>();
  #merger: Merger;
  /** Stops what runs while somebody watches in this process. */
  #stopWatching: (() => void) | undefined;
  /** Stops what runs while somebody watches in any process. */
  #stopPublishing: (() => void) | undefined;
  #watchedUntilMs = 0;
  #published = { atMs: 0, connections: 0 };
  #isClosed = false;

  constructor(options: RedisTapOptions) {
    this.#options = options;
    this.#collector = new Collector(options);
    this.#merger = new Merger(options.now);
    const { subscriber, suffix = '' } = options;
    this.#watched = activityChannelOf('watched', suffix);
    this.#batches = activityChannelOf('batches', suffix);
    const [watched, batches] = [Buffer.from(this.#watched), Buffer.from(this.#batches)];
    // As bytes: with a listener for 'smessage', ioredis would turn every live message into a string.
    subscriber.on('smessageBuffer', (channel, message) => {
      if (channel.equals(watched)) this.#heardOfWatcher();
      else if (channel.equals(batches)) this.#heard(message);
    });
    // This waits while Redis is away. Only a Redis that is too old would refuse it, and appends report that first.
    subscriber.ssubscribe(this.#watched).catch(() => {});
  }

  get isWatched(): boolean {
    return this.#stopPublishing !== undefined;
  }

  record(seen: Seen): void {
    if (this.isWatched) this.#collector.add(seen);
  }

  setConnectionCount(connections: () => number): void {
    this.#collector.connections = connections;
  }

  watch(listener: (tick: Tick) => void): () => void {
    // Wrapped, because two watchers may pass the same function.
    const own = (tick: Tick) => listener(tick);
    this.#listeners.add(own);
    this.#stopWatching ??= this.#beginWatching();
    this.#merger.repeat();
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.#endWatching();
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#endWatching();
    this.#rest();
  }

  #beginWatching(): () => void {
    const { subscriber, now } = this.#options;
    this.#merger = new Merger(now);
    // As above.
    subscriber.ssubscribe(this.#batches).catch(() => {});
    const say = () => this.#publish(this.#watched, '');
    say();
    const saying = setInterval(say, SAY_EVERY_MS).unref();
    const stopTicks = everyWindow(WAIT_MS, () => {
      const tick = this.#merger.take();
      if (tick !== undefined) for (const listener of this.#listeners) listener(tick);
    });
    return () => {
      clearInterval(saying);
      stopTicks();
      // Nobody listens to what still arrives.
      subscriber.sunsubscribe(this.#batches).catch(() => {});
    };
  }

  #endWatching(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  #heardOfWatcher(): void {
    if (this.#isClosed) return;
    this.#watchedUntilMs = this.#options.now() + WATCHED_MS;
    this.#stopPublishing ??= everyWindow(0, () => this.#publishBatch());
  }

  /** Publishes what was seen or, now and then, just that this process is alive. */
  #publishBatch(): void {
    const nowMs = this.#options.now();
    if (nowMs > this.#watchedUntilMs) {
      this.#rest();
      return;
    }
    const batch = this.#collector.take();
    const { connections, counts, samples } = batch;
    const isNews =
      samples.length > 0 ||
      Object.values(counts).some((count) => count > 0) ||
      connections !== this.#published.connections ||
      nowMs - this.#published.atMs >= SAY_EVERY_MS;
    if (!isNews) return;
    this.#published = { atMs: nowMs, connections };
    this.#publish(this.#batches, JSON.stringify(batch));
  }

  #rest(): void {
    this.#stopPublishing?.();
    this.#stopPublishing = undefined;
    this.#published = { atMs: 0, connections: 0 };
    this.#collector.clear();
  }

  #heard(message: Buffer): void {
    // A newer version's batch may have an unknown form.
    const batch = readStored(batchSchema, message);
    if (batch !== undefined) this.#merger.add(batch);
  }

  #publish(channel: string, message: string): void {
    this.#options.redis.spublish(channel, message).catch(() => {
      // Redis is away: watchers get nothing until it is back.
    });
  }
}
