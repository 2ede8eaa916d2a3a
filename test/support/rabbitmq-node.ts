/** Starts a RabbitMQ node on this machine without touching anything that other nodes use. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startOwnProcess } from './own-process.ts';
import { isListening } from './ports.ts';
import { findOnPath } from './programs.ts';
import type { ServerHome, ServerProcess } from './server.ts';

const startTimeoutMs = 120_000;
const epmdStartTimeoutMs = 30_000;

/**
 * With one scheduler, a start costs a sixth less: several threads would share little work, and spend time looking for
 * more.
 */
const ONE_SCHEDULER = '+S 1:1 +SDcpu 1:1 +SDio 1 +sbwt none +sbwtdcpu none +sbwtdio none';

const PLUGINS = ['rabbitmq_amqp1_0', 'rabbitmq_management'];

export interface RabbitMqNode {
  readonly command: string;
  readonly folder: string;
  readonly nodeName: string;
  readonly ports: Readonly<Record<'amqp' | 'management' | 'distribution' | 'epmd', number>>;
  /**
   * Only for a node in a cluster: the home folder that all nodes use, with the secret that they share. The caller MUST
   * have started Erlang's port mapper before, because all nodes share it.
   */
  readonly sharedHome?: string;
  /** Additional lines of the configuration and additional plugins. */
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
  // Settings that the machine has for its own node must not reach this one.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(RABBITMQ_|ERL_|CONF_ENV_FILE)/.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    // Erlang keeps its cookie, the secret that nodes share, in the home folder.
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
    // Makes the start script become the node. Otherwise a shell would wait for the node, and run rabbitmqctl at
    // SIGTERM.
    RUNNING_UNDER_SYSTEMD: 'true',
  };
}

/** Erlang's port mapper. A node that finds none at its port would start one that outlives the node. */
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
      // Kills the node: an orderly end would take 5 seconds in the management plugin, and the data goes anyway.
      await running?.kill();
      await epmd?.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
