/**
 * A private Redis Cluster of three primaries with one replica each, so that a primary can die and its replica takes
 * over. A node that is silent for three seconds counts as failed; on a busy machine a node may be silent for a second.
 */
import calculateSlot from 'cluster-key-slot';
import type { Redis } from 'ioredis';
import { freePort } from './ports.ts';
import { startNode } from './redis-node.ts';
import type { Server } from './server.ts';
import { until, untilDone } from './until.ts';

const START_TIMEOUT_MS = 60_000;
const FORM_TIMEOUT_MS = 60_000;
const NODE_TIMEOUT_MS = 3_000;
const PROMOTION_TIMEOUT_MS = 60_000;
/** Redis gives up a failover by command after five seconds. */
const FAILOVER_MS = 6_000;
const SLOTS = 16_384;
const SHARDS = 3;

export interface ClusterNode {
  readonly server: Server;
  readonly port: number;
  /** Sends commands to this node and no other. */
  readonly control: Redis;
}

export interface RedisCluster {
  /** The addresses of all nodes, separated by commas. */
  readonly url: string;
  readonly nodes: readonly ClusterNode[];
  /** The node that serves the key's slot, in the view of most nodes. */
  primaryOf(key: string): Promise<ClusterNode>;
  /** A replica of this primary that is in step with it. */
  replicaOf(primary: ClusterNode): Promise<ClusterNode>;
  /** Makes a replica take its primary's place. */
  promote(replica: ClusterNode): Promise<void>;
  /** Moves the key's slot with all its keys to another primary. */
  moveSlotOf(key: string, to: ClusterNode): Promise<void>;
  /** Resolves when all reachable nodes agree that every slot is served, and each of them sees `reachable` nodes. */
  isWhole(reachable?: number): Promise<void>;
  /** The caller that started the Cluster MUST call this. */
  stop(): Promise<void>;
}

/** Needs an installed Redis: nodes in Docker announce addresses that are out of reach from outside. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: 2 * SHARDS }, startClusterNode));
  const cluster: RedisCluster = {
    url: nodes.map(({ port }) => `redis://127.0.0.1:${port}`).join(','),
    nodes,
    primaryOf: (key) => find('a primary', nodes, (node) => serves(node, calculateSlot(key))),
    replicaOf: async (primary) => {
      const id = await idOf(primary);
      return await find('a replica', nodes, async ({ control }) => {
        const info = await control.info('replication');
        const [, masterId] = await ownLine(control);
        return masterId === id && info.includes('master_link_status:up');
      });
    },
    promote: ({ control }) =>
      untilDone(
        'the replica to take over',
        PROMOTION_TIMEOUT_MS,
        { ask: () => control.call('CLUSTER', 'FAILOVER'), everyMs: FAILOVER_MS },
        async () => (await control.info('replication').catch(() => '')).includes('role:master'),
      ),
    moveSlotOf: async (key, to) => {
      const from = await cluster.primaryOf(key);
      await moveSlot(nodes, calculateSlot(key), from, to);
    },
    isWhole: (reachable = nodes.length) => isWhole(nodes, reachable),
    async stop() {
      for (const { control } of nodes) control.disconnect();
      await Promise.all(nodes.map(({ server }) => server.stop()));
    },
  };
  try {
    await form(nodes);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

async function startClusterNode(): Promise<ClusterNode> {
  const [port, busPort] = await Promise.all([freePort(), freePort()]);
  const server = await startNode(port, {
    port,
    save: '',
    appendonly: 'yes',
    'cluster-enabled': 'yes',
    'cluster-port': busPort,
    'cluster-node-timeout': NODE_TIMEOUT_MS,
    // A replica may take over however long ago it lost its primary. The tests decide when it does.
    'cluster-replica-validity-factor': 0,
    'repl-diskless-sync-delay': 0,
    // All nodes end at once. Otherwise a primary would wait for its replica.
    'shutdown-timeout': 0,
  });
  return { server, port, control: server.control };
}

async function form(nodes: readonly ClusterNode[]): Promise<void> {
  const [first] = nodes;
  if (first === undefined) return;
  const busPortOf = async ({ control }: ClusterNode) => (await control.config('GET', 'cluster-port')).at(1);
  for (const node of nodes.slice(0, SHARDS)) {
    const shard = nodes.indexOf(node);
    const [start, end] = [shard, shard + 1].map((bound) => Math.floor((bound * SLOTS) / SHARDS));
    await node.control.call('CLUSTER', 'ADDSLOTSRANGE', start ?? 0, (end ?? 0) - 1);
    // With equal epochs, Redis would settle the conflict by chance, and that takes a while.
    await node.control.call('CLUSTER', 'SET-CONFIG-EPOCH', shard + 1);
  }
  for (const node of nodes.slice(1)) {
    await first.control.call('CLUSTER', 'MEET', '127.0.0.1', node.port, (await busPortOf(node)) ?? '');
  }
  const knowAll = async ({ control }: ClusterNode) =>
    String(await control.cluster('INFO')).includes(`cluster_known_nodes:${nodes.length}\r\n`);
  await until('the nodes to know each other', FORM_TIMEOUT_MS, () => all(nodes, knowAll));
  await Promise.all(
    nodes.slice(SHARDS).map(async (node, shard) => {
      const primary = nodes[shard];
      if (primary !== undefined) await node.control.call('CLUSTER', 'REPLICATE', await idOf(primary));
    }),
  );
  await isWhole(nodes, nodes.length);
}

async function moveSlot(
  nodes: readonly ClusterNode[],
  slot: number,
  from: ClusterNode,
  to: ClusterNode,
): Promise<void> {
  const toId = await idOf(to);
  await to.control.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from));
  await from.control.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
  for (;;) {
    const [key] = [await from.control.call('CLUSTER', 'GETKEYSINSLOT', slot, 1)].flat();
    if (key === undefined) break;
    await from.control.call('MIGRATE', '127.0.0.1', to.port, String(key), 0, START_TIMEOUT_MS);
  }
  for (const { control } of [to, from, ...nodes]) {
    // Replicas learn of it from their primaries, so their refusal does not matter.
    await control.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId).catch(() => {});
  }
}

async function isWhole(nodes: readonly ClusterNode[], reachable: number): Promise<void> {
  await until('the Cluster to be whole', FORM_TIMEOUT_MS, async () => {
    const views = await Promise.all(nodes.map(viewOf));
    const present = views.flatMap((view) => view ?? []);
    return (
      present.length === reachable &&
      new Set(present.map(({ slots }) => slots)).size === 1 &&
      present.every((view) => view.isOk && view.inReach === reachable)
    );
  });
}

/** The Cluster in this node's view; undefined when the node does not answer. */
async function viewOf({ control }: ClusterNode) {
  try {
    const [info, text] = [
      String(await control.cluster('INFO')),
      String(await control.call('CLUSTER', 'NODES')),
    ];
    const present = text
      .trim()
      .split('\n')
      .filter((line) => !/fail|handshake/.test(line));
    const served = present.map((line) => line.split(' ')).filter((fields) => fields.length > 8);
    const link = await control.info('replication');
    return {
      isOk: info.includes('cluster_state:ok') && !link.includes('master_link_status:down'),
      inReach: present.length,
      slots: served
        .map(([id, ...fields]) => [id, ...fields.slice(7)].join(' '))
        .toSorted()
        .join(),
    };
  } catch {
    return undefined;
  }
}

async function serves({ control }: ClusterNode, slot: number): Promise<boolean> {
  const [flags, , ...ranges] = await ownLine(control);
  if (!flags?.includes('master')) return false;
  return ranges.some((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return first <= slot && slot <= last;
  });
}

async function idOf({ control }: ClusterNode): Promise<string> {
  return String(await control.call('CLUSTER', 'MYID'));
}

/** A node's line about itself: flags, the id of its primary, and the slots that it serves. */
async function ownLine(control: Redis): Promise<string[]> {
  const text = String(await control.call('CLUSTER', 'NODES'));
  const line = text.split('\n').find((each) => each.includes('myself')) ?? '';
  const [, , flags = '', primary = '', , , , , ...ranges] = line.trim().split(' ');
  return [flags, primary, ...ranges];
}

async function find<T>(what: string, among: readonly T[], fits: (one: T) => Promise<boolean>): Promise<T> {
  let found: T | undefined;
  await until(what, FORM_TIMEOUT_MS, async () => {
    const checks = await Promise.all(among.map((one) => fits(one).catch(() => false)));
    found = among[checks.indexOf(true)];
    return found !== undefined;
  });
  if (found === undefined) throw new Error(`no ${what}`);
  return found;
}

async function all<T>(things: readonly T[], isTrue: (one: T) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(things.map(isTrue))).every(Boolean);
}
