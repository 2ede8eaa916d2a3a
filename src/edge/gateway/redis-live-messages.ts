/**
 * Live messages over Redis sharded Pub/Sub, through the connection of Socket.IO's own Redis adapter.
 *
 * The adapter subscribes to a channel per hosted room. It hands every message to its member `onRawMessage`, which
 * is not public: this is the one file that touches it. The adapter's version is pinned exactly, and a contract test
 * fails when an upgrade moves the member or renames the channels.
 */
import { createShardedAdapter } from '@socket.io/redis-adapter';
import type { Logger } from 'pino';
import type { Namespace } from 'socket.io';
import type { Adapter } from 'socket.io-adapter';
import { ClusterSubscriber, type ShardedSubscriber } from '../../adapters/redis/cluster-subscriber.ts';
import { MicroBatch } from '../../adapters/redis/micro-batch.ts';
import { audienceOf } from '../../contract/audience.ts';
import { Unavailable } from '../../resilience/unavailable.ts';
import { handOver, type Live, type Receiver } from './live-messages.ts';

/**
 * The Pub/Sub channel of a room of namespace `/`, as the adapter names it.
 * @param suffix names the Redis database that the service uses, as `suffixOf` in connections.ts returns it
 */
export function channelOf(room: string, suffix = ''): string {
  return `${PREFIX}${suffix}${NAMESPACE}${room}#`;
}

const PREFIX = 'socket.io';
const NAMESPACE = '#/#';

export class RedisLive implements Live {
  readonly #publisher: unknown;
  readonly #subscriptions: Subscriptions;
  readonly #suffix: string;

  /** `publisher` carries the adapter's own messages and MUST fail fast; `subscriber` MUST retry for ever. */
  constructor(publisher: unknown, subscriber: ShardedSubscriber, log: Logger, suffix = '') {
    this.#publisher = publisher;
    this.#suffix = suffix;
    this.#subscriptions = new Subscriptions(subscriber, log);
  }

  adapterFor(namespace: Namespace, receiver: Receiver): Adapter {
    const channelPrefix = PREFIX + this.#suffix;
    const adapter: Adapter = createShardedAdapter(this.#publisher, this.#subscriptions, { channelPrefix })(
      namespace,
    );
    if (!hasRawHook(adapter)) throw new Error('the installed @socket.io/redis-adapter has no onRawMessage');
    const roomAt = channelPrefix.length + NAMESPACE.length;
    const passOn = adapter.onRawMessage.bind(adapter);
    adapter.onRawMessage = (bytes, channel) => {
      const audience = audienceOf(channel.toString('latin1', roomAt, channel.length - 1));
      if (audience === undefined || !handOver(receiver, audience, bytes)) passOn(bytes, channel);
    };
    this.#subscriptions.onGap(() => receiver.gap());
    return adapter;
  }

  inForce(room: string): Promise<void> {
    return this.#subscriptions.inForce(channelOf(room, this.#suffix));
  }
}

interface RawHook {
  onRawMessage(bytes: Buffer, channel: Buffer): void;
}

function hasRawHook(adapter: Adapter): adapter is Adapter & RawHook {
  return 'onRawMessage' in adapter && typeof adapter.onRawMessage === 'function';
}

const SETTLED = Promise.resolve();

/** Of one command. */
const MAX_CHANNELS = 200;

interface Subscribing {
  readonly channel: string;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Wraps the adapter's subscribing connection. The adapter subscribes without waiting for the answer. This class keeps
 * each answer, so that others can wait for it. What is subscribed to in one turn of the event loop leaves in one command.
 */
class Subscriptions {
  readonly #subscriber: ShardedSubscriber;
  readonly #log: Logger;
  readonly #inForce = new Map<string, Promise<unknown>>();
  readonly #turn = new MicroBatch<Subscribing>((all) => this.#subscribeAll(all));

  constructor(subscriber: ShardedSubscriber, log: Logger) {
    this.#subscriber = subscriber;
    this.#log = log;
  }

  on(event: 'smessageBuffer', listener: (channel: Buffer, message: Buffer) => void): void {
    this.#subscriber.on(event, listener);
  }

  ssubscribe(channel: string): void {
    const subscribed = new Promise<void>((resolve, reject) => {
      this.#turn.add({ channel, resolve, reject });
    });
    this.#inForce.set(channel, subscribed);
    subscribed.then(
      () => {
        // All rooms whose subscription is in force share one promise.
        if (this.#inForce.get(channel) === subscribed) this.#inForce.set(channel, SETTLED);
      },
      (error: Error) => this.#log.debug({ channel, reason: error.message }, 'not subscribed'),
    );
  }

  sunsubscribe(channels: string | string[]): void {
    // Whoever came and went within one turn MUST NOT stay subscribed.
    this.#turn.endNow();
    const all = [channels].flat();
    for (const channel of all) this.#inForce.delete(channel);
    this.#subscriber.sunsubscribe(...all).catch((error: Error) => {
      this.#log.debug({ channels: all, reason: error.message }, 'not unsubscribed');
    });
  }

  /**
   * Calls back when the connection was lost and every subscription is in force again. ioredis resubscribes as soon as
   * it is connected, so a command that is answered after that proves it.
   */
  onGap(listener: () => void): void {
    let wasLost = false;
    this.#subscriber.on('close', () => {
      wasLost = true;
    });
    this.#subscriber.on('ready', async () => {
      if (!wasLost) return;
      wasLost = false;
      await this.#subscriber.ping().catch(() => {
        // The connection was lost again; the next 'ready' counts.
      });
      listener();
    });
  }

  /** On Cluster each alone: the channels are in different slots. */
  #subscribeAll(all: readonly Subscribing[]): void {
    const atOnce = this.#subscriber instanceof ClusterSubscriber ? 1 : MAX_CHANNELS;
    for (let i = 0; i < all.length; i += atOnce) void this.#subscribe(all.slice(i, i + atOnce));
  }

  /** Never rejects: each gets its own failure. */
  async #subscribe(some: readonly Subscribing[]): Promise<void> {
    try {
      await this.#subscriber.ssubscribe(...some.map(({ channel }) => channel));
      for (const { resolve } of some) resolve();
    } catch (error) {
      // One that is refused MUST NOT be the fault of the others.
      if (some.length > 1) for (const one of some) void this.#subscribe([one]);
      else for (const { reject } of some) reject(error);
    }
  }

  async inForce(channel: string): Promise<void> {
    const subscribed = this.#inForce.get(channel);
    if (subscribed === undefined) throw new Unavailable(`nothing subscribes to ${channel}`);
    await subscribed;
  }
}
