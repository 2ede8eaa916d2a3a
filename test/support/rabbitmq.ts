/**
 * A private RabbitMQ with ports, a node and a folder of its own. It shares nothing with any other RabbitMQ on the
 * machine.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dockerHome } from './docker.ts';
import { type Management, managementAt } from './management.ts';
import { freePort } from './ports.ts';
import { findRabbitMqServer } from './programs.ts';
import { localRabbitMq, type RabbitMqNode } from './rabbitmq-node.ts';
import { type Server, startServer } from './server.ts';

export interface RabbitMqServer extends Server {
  readonly port: number;
  readonly managementUrl: string;
  readonly management: Management;
  /** Where the data and the logs are; `undefined` when it runs in Docker. */
  readonly folder: string | undefined;
  /** The AMQP URL of an existing vhost. Without a name, that of the default vhost `/`. */
  url(vhost?: string): string;
  /** Creates the vhost and returns its AMQP URL. */
  vhost(name: string): Promise<string>;
}

export function amqpUrl(port: number, vhost = '/'): string {
  return `amqp://guest:guest@127.0.0.1:${port}/${encodeURIComponent(vhost)}`;
}

/** The vhost in an AMQP URL, encoded for the management API. */
export function vhostOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

/** `extra` has no effect in Docker. The plugin for partitions is on unless `extra` names other plugins. */
export async function startRabbitMq(
  extra: Pick<RabbitMqNode, 'settings' | 'plugins'> = {},
): Promise<RabbitMqServer> {
  const [port, managementPort] = [await freePort(), await freePort()];
  const managementUrl = `http://127.0.0.1:${managementPort}`;
  const management = managementAt(managementUrl);

  // The check succeeds when the node listens on the AMQP port, which is the last step of its start.
  const listensForAmqp = (amqpPort: number) =>
    management.get(`health/checks/port-listener/${amqpPort}`).then(
      () => true,
      () => false,
    );

  const command = findRabbitMqServer();
  const folder = command && (await mkdtemp(join(tmpdir(), 'carillon-rabbitmq-')));
  const home =
    command && folder
      ? localRabbitMq({
          command,
          folder,
          nodeName: `carillon-${randomUUID().slice(0, 8)}@localhost`,
          ports: {
            amqp: port,
            management: managementPort,
            distribution: await freePort(),
            epmd: await freePort(),
          },
          isReady: () => listensForAmqp(port),
          plugins: ['rabbitmq_consistent_hash_exchange'],
          ...extra,
        })
      : dockerHome({
          service: 'rabbitmq',
          ports: { [port]: 5672, [managementPort]: 15672 },
          environment: { RABBITMQ_DEFAULT_USER: 'guest', RABBITMQ_DEFAULT_PASS: 'guest' },
          isReady: () => listensForAmqp(5672),
        });
  const server = await startServer(home);

  return Object.assign(server, {
    port,
    managementUrl,
    management,
    folder,
    url: (vhost?: string) => amqpUrl(port, vhost),
    async vhost(name: string) {
      await management.createVhost(name);
      return amqpUrl(port, name);
    },
  });
}
