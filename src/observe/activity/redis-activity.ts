/**
 * Activity of several processes, over two sharded channels in one slot. Whoever watches says so every second on one of
 * them, which all processes hear; for a few seconds from then on each publishes what it saw on the other, which only
 * those who watch hear. So while nobody watches nothing is sent at all, in either direction, and no key is ever read.
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

/** Two of what is said every second may be lost. */
const WATCHED_MS = 3_000;

/** For the batches of a window to come together: a moment for the network and for clocks that differ. */
const WAIT_MS = 125;

/** What is used of the subscribing connection; ioredis' Redis has it, and for a Cluster cluster-subscriber.ts. */
interface ActivitySubscriber {
  on(event: 'smessageBuffer', listener: (channel: Buffer, message: Buffer) => void): unknown;
  ssubscribe(channel: string): Promise<unknown>;
  sunsubscribe(channel: string): Promise<unknown>;
}

export interface RedisTapOptions extends CollectorOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Pick<Redis | Cluster, 'spublish'>;
  /** MUST wait for ever while Redis is away. */
  readonly subscriber: ActivitySubscriber;
  /** Of the names of its channels, for the database that the service has in Redis. */
  readonly suffix?: string;
}

export class RedisActivity implements Activity {
  readonly #options: RedisTapOptions;
  readonly #watched: string;
  readonly #batches: string;
  readonly #collector: Collector;
  readonly #listeners = new Set<(tick: Tick) => void>();
  #merger: Merger;
  /** Ends what goes on while somebody watches here. */
  #stopWatching: (() => void) | undefined;
  /** Ends what goes on while somebody watches anywhere. */
  #stopTelling: (() => void) | undefined;
  #watchedUntilMs = 0;
  #told = { atMs: 0, connections: 0 };
  #isClosed = false;

  constructor(options: RedisTapOptions) {
    this.#options = options;
    this.#collector = new Collector(options);
    this.#merger = new Merger(options.now);
    const { subscriber, suffix = '' } = options;
    this.#watched = activityChannelOf('watched', suffix);
    this.#batches = activityChannelOf('batches', suffix);
    const [watched, batches] = [Buffer.from(this.#watched), Buffer.from(this.#batches)];
    // As bytes: ioredis would make strings of every live message for a listener of 'smessage'.
    subscriber.on('smessageBuffer', (channel, message) => {
      if (channel.equals(watched)) this.#heardOfWatcher();
      else if (channel.equals(batches)) this.#heard(message);
    });
    // While Redis is away it waits; a refusal would be an old Redis, which appends tell first.
    subscriber.ssubscribe(this.#watched).catch(() => {});
  }

  get isWatched(): boolean {
    return this.#stopTelling !== undefined;
  }

  record(seen: Seen): void {
    if (this.isWatched) this.#collector.add(seen);
  }

  tellConnections(connections: () => number): void {
    this.#collector.connections = connections;
  }

  watch(listener: (tick: Tick) => void): () => void {
    // Two watchers may bring the same function.
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
    // As above: it waits while Redis is away.
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
      // What still comes is heard by nobody.
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
    this.#stopTelling ??= everyWindow(0, () => this.#tell());
  }

  /** What was seen; when nothing was, now and then that this process is there. */
  #tell(): void {
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
      connections !== this.#told.connections ||
      nowMs - this.#told.atMs >= SAY_EVERY_MS;
    if (!isNews) return;
    this.#told = { atMs: nowMs, connections };
    this.#publish(this.#batches, JSON.stringify(batch));
  }

  #rest(): void {
    this.#stopTelling?.();
    this.#stopTelling = undefined;
    this.#told = { atMs: 0, connections: 0 };
    this.#collector.clear();
  }

  #heard(message: Buffer): void {
    // A batch of a newer version may have a form that this one does not know.
    const batch = readStored(batchSchema, message);
    if (batch !== undefined) this.#merger.add(batch);
  }

  #publish(channel: string, message: string): void {
    this.#options.redis.spublish(channel, message).catch(() => {
      // Redis is away: whoever watches is told nothing until it is back.
    });
  }
}
