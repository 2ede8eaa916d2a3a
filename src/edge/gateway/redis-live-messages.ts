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
import type { ShardedSubscriber } from '../../adapters/redis/cluster-subscriber.ts';
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

/**
 * Wraps the adapter's subscribing connection. The adapter subscribes without waiting for the answer. This class keeps
 * each answer, so that others can wait for it.
 */
class Subscriptions {
  readonly #subscriber: ShardedSubscriber;
  readonly #log: Logger;
  readonly #inForce = new Map<string, Promise<unknown>>();

  constructor(subscriber: ShardedSubscriber, log: Logger) {
    this.#subscriber = subscriber;
    this.#log = log;
  }

  on(event: 'smessageBuffer', listener: (channel: Buffer, message: Buffer) => void): void {
    this.#subscriber.on(event, listener);
  }

  ssubscribe(channel: string): void {
    const subscribed = this.#subscriber.ssubscribe(channel);
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

  async inForce(channel: string): Promise<void> {
    const subscribed = this.#inForce.get(channel);
    if (subscribed === undefined) throw new Unavailable(`nothing subscribes to ${channel}`);
    await subscribed;
  }
}
