/** The stage for a measurement: a newly started server, a crowd of clients, and a driver that makes the server send. */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../test/support/ports.ts';
import { until } from '../../test/support/until.ts';
import { Crowd, JWT_SECRET } from '../support/crowd.ts';
import type { Driver } from '../support/driver.ts';
import { openProducer } from '../support/producer.ts';
import { contestants } from './contestants.ts';
import type { Setup } from './job.ts';
import { type ServerOptions, ServerProcess } from './server-process.ts';

const SUBSCRIBED_TIMEOUT_MS = 20_000;
const MAX_OPENING = 100;
/** Enough for the background work that a start leaves. */
const SETTLE_MS = 100;

export interface Stage {
  readonly server: ServerProcess;
  readonly crowd: Crowd;
  readonly driver: Driver;
  /** Connects this many more users, and waits until messages can reach them. */
  connect(users: number): Promise<void>;
  /** Waits until the server has dropped all users except those whom {@link connect} has connected. */
  left(): Promise<void>;
}

/** Runs the measurement on a stage with this many users, and then closes the stage. */
export async function onStage<T>(
  setup: Setup,
  { users, via }: { readonly users: number; readonly via: 'redis' | 'rabbitmq' },
  measure: (stage: Stage) => Promise<T>,
): Promise<T> {
  const { protocol, channels, openDriver } = contestants[setup.contestant];
  const port = await freePort();
  const server = await ServerProcess.start(serverOptions(setup, port, via === 'rabbitmq'));
  const crowd = new Crowd(port, protocol);
  const driver = await (via === 'rabbitmq' ? openProducer(setup.amqpUrl) : openDriver(setup.redisUrl));
  let connected = 0;
  let resting = 0;
  async function connect(count: number): Promise<void> {
    await crowd.connect(await crowd.tokens(count), MAX_OPENING);
    connected += count;
    const wanted = channels(connected);
    resting = await subscriptions(setup.redisUrl, `${wanted} subscriptions`, (active) => active >= wanted);
    await pause(SETTLE_MS);
  }
  async function left(): Promise<void> {
    await subscriptions(setup.redisUrl, `at most ${resting} subscriptions`, (active) => active <= resting);
    await pause(SETTLE_MS);
  }
  try {
    await connect(users);
    return await measure({ server, crowd, driver, connect, left });
  } finally {
    crowd.close();
    await driver.close();
    await server.stop();
  }
}

/** `consumes`: the server takes events from RabbitMQ. */
export function serverOptions(setup: Setup, port: number, consumes: boolean): ServerOptions {
  const { program, environment } = contestants[setup.contestant];
  return {
    program: setup.version?.program ?? program,
    environment: {
      ...environment(setup, consumes),
      ...setup.version?.environment,
      JWT_SECRET,
      PORT: String(port),
    },
    core: setup.serverCore,
    logFile: setup.logFile,
  };
}

/**
 * Resolves with the number of channels that have subscribers, when it is enough. The wait is needed because stock
 * Socket.IO tells a client that it is connected before Redis has accepted the subscriptions.
 */
async function subscriptions(
  redisUrl: string,
  what: string,
  isEnough: (active: number) => boolean,
): Promise<number> {
  const redis = new Redis(redisUrl);
  let active = 0;
  try {
    await until(what, SUBSCRIBED_TIMEOUT_MS, async () => {
      active = (await redis.pubsub('SHARDCHANNELS')).length;
      return isEnough(active);
    });
    return active;
  } finally {
    redis.disconnect();
  }
}
