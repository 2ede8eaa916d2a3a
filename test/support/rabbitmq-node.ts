/** How a RabbitMQ node is started on this machine without touching what other nodes use. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOwnProcess } from './own-process.ts';
import { isListening } from './ports.ts';
import { findOnPath } from './programs.ts';
import type { ServerHome, ServerProcess } from './server.ts';

const startTimeoutMs = 120_000;
const epmdStartTimeoutMs = 30_000;

/** Threads that share the little that there is to do, and look for more of it, cost a sixth of a start. */
const ONE_SCHEDULER = '+S 1:1 +SDcpu 1:1 +SDio 1 +sbwt none +sbwtdcpu none +sbwtdio none';

const PLUGINS = ['rabbitmq_amqp1_0', 'rabbitmq_management'];

export interface RabbitMqNode {
  readonly command: string;
  readonly folder: string;
  readonly nodeName: string;
  readonly ports: Readonly<Record<'amqp' | 'management' | 'distribution' | 'epmd', number>>;
  /**
   * Of a node among others: the home folder of them all, with the secret that they share. Whoever starts them MUST have
   * started Erlang's port mapper before, which is one for all.
   */
  readonly sharedHome?: string;
  /** Lines of its configuration, and plugins, besides those that every node has. */
  readonly settings?: readonly string[];
  readonly plugins?: readonly string[];
  isReady(): Promise<boolean>;
}

function configuration({ ports, settings = [] }: RabbitMqNode): string {
  return [
    `listeners.tcp.local = 127.0.0.1:${ports.amqp}`,
    'loopback_users = none',
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${ports.management}`,
    'collect_statistics_interval = 1000',
    'disk_free_limit.absolute = 50MB',
    ...settings,
    '',
  ].join('\n');
}

function environment({ folder, nodeName, ports, sharedHome = folder }: RabbitMqNode): NodeJS.ProcessEnv {
  // What the machine sets for its own node must not reach this one.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(RABBITMQ_|ERL_|CONF_ENV_FILE)/.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    // Erlang keeps its cookie, the secret between nodes, in the home folder.
    HOME: sharedHome,
    ERL_CRASH_DUMP: join(folder, 'erl_crash.dump'),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(ports.epmd),
    RABBITMQ_NODENAME: nodeName,
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-kernel inet_dist_use_interface {127,0,0,1} ${ONE_SCHEDULER}`,
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONFIG_FILES: join(folder, 'conf.d', '*.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    // The script then becomes the node, instead of a shell that waits for it and runs rabbitmqctl at SIGTERM.
    RUNNING_UNDER_SYSTEMD: 'true',
  };
}

/** Erlang's port mapper. A node that finds none at its port would start one that outlives it. */
export function startEpmd(folder: string, port: number): Promise<ServerProcess> {
  return startOwnProcess({
    command: findOnPath('epmd') ?? 'epmd',
    args: ['-address', '127.0.0.1', '-port', String(port)],
    folder,
    logFile: join(folder, 'epmd.log'),
    startTimeoutMs: epmdStartTimeoutMs,
    isReady: () => isListening(port),
  });
}

export function localRabbitMq(node: RabbitMqNode): ServerHome {
  const { command, folder, ports } = node;
  let epmd: ServerProcess | undefined;

  return {
    async start() {
      await writeFile(join(folder, 'rabbitmq.conf'), configuration(node));
      await writeFile(join(folder, 'advanced.config'), '[].\n');
      await writeFile(
        join(folder, 'enabled_plugins'),
        `[${[...PLUGINS, ...(node.plugins ?? [])].join()}].\n`,
      );
      if (node.sharedHome === undefined) epmd ??= await startEpmd(folder, ports.epmd);
      return await startOwnProcess({
        command,
        args: [],
        env: environment(node),
        folder,
        logFile: join(folder, 'rabbitmq.log'),
        startTimeoutMs,
        isReady: () => node.isReady(),
      });
    },
    async discard(running) {
      // Not orderly: the management plugin would take 5 seconds to end, for data that goes anyway.
      await running?.kill();
      await epmd?.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
