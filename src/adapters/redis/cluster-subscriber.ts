/**
 * Sharded subscriptions on a Cluster: each channel on the connection to the node that serves its slot, and again on
 * another when the slot goes there or the node dies.
 *
 * ioredis has the like (`shardedSubscribers`), but tells nobody when a node's subscriptions are gone, and gives up
 * those that a node refuses once.
 */
import { EventEmitter } from 'node:events';
import calculateSlot from 'cluster-key-slot';
import { Cluster, type Redis } from 'ioredis';

interface Subscription {
  readonly slot: number;
  /** The connection that has it, or was asked for it. */
  node: Redis | undefined;
  isInForce: boolean;
  /** For who waits for the first time that it is in force. */
  readonly tellInForce: () => void;
}

interface Events {
  smessageBuffer: [channel: Buffer, message: Buffer];
  /** What is published to some channels is lost from now on. */
  close: [];
  /** All are in force again. */
  ready: [];
}

/** Between a refusal and the next look at who serves what. */
const RETRY_MS = 100;

/**
 * A node that gives up a slot drops its subscriptions, and ioredis does not tell of which channels. Where the slot
 * went to is seen soon; one that has come back meanwhile looks as if nothing had been. So all of the node's are made
 * again, but not for each of thousands of slots that go one after the other.
 */
const RENEW_MS = 5_000;

/** What is used of the subscribing connection: ioredis' Redis has it. */
export interface ShardedSubscriber {
  on(event: 'smessageBuffer', listener: (channel: Buffer, message: Buffer) => void): unknown;
  on(event: 'close' | 'ready', listener: () => void): unknown;
  ping(): Promise<unknown>;
  ssubscribe(channel: string): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
}

/** A Cluster's connections to its nodes behave as one. */
export function subscriberOf(connection: Redis | Cluster): ShardedSubscriber {
  return connection instanceof Cluster ? new ClusterSubscriber(connection) : connection;
}

export class ClusterSubscriber extends EventEmitter<Events> implements ShardedSubscriber {
  readonly #cluster: Cluster;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Were in force and are not: messages are being lost. */
  readonly #lost = new Set<string>();
  /** Have dropped some of their subscriptions. */
  readonly #suspects = new Set<Redis>();
  #retry: NodeJS.Timeout | undefined;
  #renewal: NodeJS.Timeout | undefined;

  /** `cluster` MUST be used for nothing else. */
  constructor(cluster: Cluster) {
    super();
    this.#cluster = cluster;
    for (const node of cluster.nodes()) this.#follow(node);
    cluster.on('+node', (node: Redis) => this.#follow(node));
    cluster.on('refresh', () => this.#settle());
  }

  /** Nothing to wait for: `ready` is told when everything is in force. */
  async ping(): Promise<void> {}

  /** Resolves when it is in force. Waits while the channel's node is away. */
  ssubscribe(channel: string): Promise<void> {
    return new Promise((resolve) => {
      const slot = calculateSlot(channel);
      const subscription = { slot, node: undefined, isInForce: false, tellInForce: resolve };
      this.#subscriptions.set(channel, subscription);
      this.#place(channel, subscription, this.#nodes());
    });
  }

  async sunsubscribe(...channels: string[]): Promise<void> {
    await Promise.all(
      channels.map(async (channel) => {
        const node = this.#subscriptions.get(channel)?.node;
        this.#subscriptions.delete(channel);
        this.#found(channel);
        // Ended: it has forgotten by itself.
        if (node?.status === 'ready') await node.sunsubscribe(channel);
      }),
    );
  }

  #follow(node: Redis): void {
    node.on('smessageBuffer', (channel: Buffer, message: Buffer) => {
      this.emit('smessageBuffer', channel, message);
    });
    node.on('close', () => this.#lose(node));
    node.on('moved', () => {
      this.#suspects.add(node);
      this.#settleSoon();
      this.#renewLater();
    });
  }

  #renewLater(): void {
    this.#renewal ??= setTimeout(() => {
      this.#renewal = undefined;
      for (const node of this.#suspects) this.#lose(node);
      this.#suspects.clear();
    }, RENEW_MS).unref();
  }

  #lose(node: Redis): void {
    for (const [channel, subscription] of this.#subscriptions) {
      if (subscription.node === node) this.#displace(channel, subscription);
    }
    this.#settleSoon();
  }

  #displace(channel: string, subscription: Subscription): void {
    subscription.node = undefined;
    if (!subscription.isInForce) return;
    subscription.isInForce = false;
    this.#lost.add(channel);
    if (this.#lost.size === 1) this.emit('close');
  }

  #found(channel: string): void {
    if (this.#lost.delete(channel) && this.#lost.size === 0) this.emit('ready');
  }

  /** Learns who serves what, which leads to {@link #settle}. */
  #settleSoon(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#cluster.refreshSlotsCache();
    }, RETRY_MS).unref();
  }

  /** Every subscription on the node that serves it now. */
  #settle(): void {
    const nodes = this.#nodes();
    for (const [channel, subscription] of this.#subscriptions) this.#place(channel, subscription, nodes);
  }

  #place(channel: string, subscription: Subscription, nodes: ReadonlyMap<string, Redis>): void {
    const [address = ''] = this.#cluster.slots[subscription.slot] ?? [];
    const node = nodes.get(address);
    if (node === undefined) {
      this.#settleSoon();
      return;
    }
    if (subscription.node === node) return;
    this.#displace(channel, subscription);
    subscription.node = node;
    const isCurrent = () => this.#subscriptions.get(channel) === subscription && subscription.node === node;
    node.ssubscribe(channel).then(
      () => {
        if (!isCurrent()) return;
        subscription.isInForce = true;
        subscription.tellInForce();
        this.#found(channel);
      },
      () => {
        if (!isCurrent()) return;
        subscription.node = undefined;
        this.#settleSoon();
      },
    );
  }

  /** By address, as the slots name them. */
  #nodes(): ReadonlyMap<string, Redis> {
    return new Map(this.#cluster.nodes().map((node) => [`${node.options.host}:${node.options.port}`, node]));
  }
}
