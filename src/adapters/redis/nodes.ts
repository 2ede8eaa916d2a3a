/** Which node and which process serve a key: both change with failovers. */
import calculateSlot from 'cluster-key-slot';
import { Redis } from 'ioredis';
import type { RedisConnection } from './connections.ts';

/**
 * The connection to the node that serves the key, as far as is known now. A Cluster connection would send a command
 * again by itself to wherever it is told; what is sent here stays here, and fails.
 */
export function nodeOf(redis: RedisConnection, key: string): Redis | undefined {
  if (redis instanceof Redis) return redis;
  const [address] = redis.slots[calculateSlot(key)] ?? [];
  return redis.nodes().find(({ options }) => `${options.host}:${options.port}` === address);
}

/**
 * The `run_id` of the process that serves each key. It changes with every restart and failover, which is when
 * acknowledged writes may have been lost.
 */
export class RunIds {
  readonly #redis: RedisConnection;
  readonly #byNode = new WeakMap<Redis, string>();
  readonly #asking = new WeakSet<Redis>();

  constructor(redis: RedisConnection) {
    this.#redis = redis;
    if (redis instanceof Redis) {
      this.#track(redis);
    } else {
      for (const node of redis.nodes()) this.#track(node);
      redis.on('+node', (node: Redis) => this.#track(node));
    }
  }

  /** Undefined while {@link nodeOf} the key is not connected, or has not told its id on this connection yet. */
  of(key: string): string | undefined {
    const node = nodeOf(this.#redis, key);
    if (node === undefined) return undefined;
    const runId = this.#byNode.get(node);
    if (runId === undefined && node.status === 'ready') void this.#ask(node);
    return runId;
  }

  #track(node: Redis): void {
    node.on('ready', () => this.#ask(node));
    node.on('close', () => this.#byNode.delete(node));
    if (node.status === 'ready') void this.#ask(node);
    // Replicas connect only when they are used, and nothing is written to a node whose id is not known: one that
    // is promoted has to be connected by then.
    // Whatever keeps it from connecting is told as the node's 'error'.
    if (node.status === 'wait') node.connect().catch(() => {});
  }

  async #ask(node: Redis): Promise<void> {
    if (this.#asking.has(node)) return;
    this.#asking.add(node);
    try {
      const runId = /^run_id:(\w+)/m.exec(await node.info('server'))?.[1];
      if (runId !== undefined) this.#byNode.set(node, runId);
    } catch {
      // Whatever failed, mostly that the connection died or was too slow: whoever wants the id makes this ask anew.
    } finally {
      this.#asking.delete(node);
    }
  }
}
