/**
 * A private RabbitMQ cluster of three nodes. Each quorum queue has three members, so that one node can die. It needs an
 * installed RabbitMQ: nodes in Docker would first have to find each other.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type Management, managementAt } from './management.ts';
import { freePort } from './ports.ts';
import { findRabbitMqServer } from './programs.ts';
import { amqpUrl } from './rabbitmq.ts';
import { localRabbitMq, type RabbitMqNode, startEpmd } from './rabbitmq-node.ts';
import { type Server, startServer } from './server.ts';
import { until } from './until.ts';

const NODES = 3;
const TIMEOUT_MS = 60_000;

interface RabbitMqClusterNode {
  readonly server: Server;
  /** The node's name in RabbitMQ. */
  readonly name: string;
  readonly port: number;
  readonly management: Management;
}

export interface RabbitMqCluster {
  readonly nodes: readonly RabbitMqClusterNode[];
  /** The value for AMQP_URL: all nodes, separated by commas. */
  readonly url: string;
  /** The node that leads a quorum queue. Waits until a running node leads it. */
  leaderOf(queue: string): Promise<RabbitMqClusterNode>;
  /** Resolves when every node sees all members of each quorum queue up. */
  isWhole(): Promise<void>;
  /** The caller that started the cluster MUST call this. */
  stop(): Promise<void>;
}

/** The fields that this file needs. A queue without a leader has none of them. */
const queuesSchema = z.array(
  z.object({
    name: z.string(),
    leader: z.string().optional(),
    members: z.array(z.string()).optional(),
    online: z.array(z.string()).optional(),
  }),
);

export async function startRabbitMqCluster(
  extra: Pick<RabbitMqNode, 'settings' | 'plugins'> = {},
): Promise<RabbitMqCluster> {
  const command = findRabbitMqServer();
  if (command === undefined) throw new Error('A RabbitMQ cluster needs an installed rabbitmq-server.');
  const sharedHome = await mkdtemp(join(tmpdir(), 'carillon-rabbitmq-cluster-'));
  const epmdPort = await freePort();
  const epmd = await startEpmd(sharedHome, epmdPort);
  const nodes: RabbitMqClusterNode[] = [];

  async function startNode(settings: readonly string[]): Promise<RabbitMqClusterNode> {
    const [port, managementPort] = [await freePort(), await freePort()];
    const management = managementAt(`http://127.0.0.1:${managementPort}`);
    const name = `carillon-${randomUUID().slice(0, 8)}@localhost`;
    const server = await startServer(
      localRabbitMq({
        command: command ?? '',
        folder: await mkdtemp(join(tmpdir(), 'carillon-rabbitmq-')),
        sharedHome,
        nodeName: name,
        ports: {
          amqp: port,
          management: managementPort,
          distribution: await freePort(),
          epmd: epmdPort,
        },
        isReady: () =>
          management.get(`health/checks/port-listener/${port}`).then(
            () => true,
            () => false,
          ),
        plugins: ['rabbitmq_consistent_hash_exchange', ...(extra.plugins ?? [])],
        settings: [...settings, ...(extra.settings ?? [])],
      }),
    );
    const node = { server, name, port, management };
    nodes.push(node);
    return node;
  }

  async function stop(): Promise<void> {
    await Promise.all(nodes.map(({ server }) => server.stop()));
    await epmd.kill();
    await rm(sharedHome, { recursive: true, force: true });
  }

  try {
    // The first node is up before the others look for it. If two started at once, each might form its own cluster.
    const first = await startNode([]);
    const join = [
      'cluster_formation.peer_discovery_backend = classic_config',
      `cluster_formation.classic_config.nodes.1 = ${first.name}`,
    ];
    await Promise.all(Array.from({ length: NODES - 1 }, () => startNode(join)));
    for (const node of nodes) await knowsAll(node);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    nodes,
    url: nodes.map(({ port }) => amqpUrl(port)).join(),
    leaderOf: (queue) => leaderOf(nodes, queue),
    isWhole: async () => {
      for (const node of nodes) await isWholeFor(node);
    },
    stop,
  };
}

async function queuesAt({ management }: RabbitMqClusterNode) {
  return queuesSchema.parse(await management.get('queues/%2F'));
}

async function leaderOf(nodes: readonly RabbitMqClusterNode[], queue: string): Promise<RabbitMqClusterNode> {
  let found: RabbitMqClusterNode | undefined;
  await until(`a leader of ${queue}`, TIMEOUT_MS, async () => {
    for (const node of nodes) {
      const queues = await queuesAt(node).catch(() => []);
      const { leader } = queues.find(({ name }) => name === queue) ?? {};
      found = nodes.find(({ name }) => name === leader);
      if (found !== undefined)
        return await found.management.get('overview').then(
          () => true,
          () => false,
        );
    }
    return false;
  });
  if (found === undefined) throw new Error(`${queue} has no leader`);
  return found;
}

async function knowsAll({ name, management }: RabbitMqClusterNode): Promise<void> {
  const schema = z.array(z.object({ running: z.boolean() }));
  await until(`${name} to know the others`, TIMEOUT_MS, async () => {
    const known = schema.parse(await management.get('nodes'));
    return known.filter(({ running }) => running).length === NODES;
  });
}

async function isWholeFor(node: RabbitMqClusterNode): Promise<void> {
  await knowsAll(node);
  await until(`all queues to be whole at ${node.name}`, TIMEOUT_MS, async () => {
    const queues = await queuesAt(node);
    return queues.every(({ members = [], online = [] }) => online.length === members.length);
  });
}
