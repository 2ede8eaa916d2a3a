/** Production: events wait in RabbitMQ, and Redis keeps notifications. */

import { partitioningOf } from '../adapters/rabbitmq/names.ts';
import { Publisher } from '../adapters/rabbitmq/publisher.ts';
import { amqpPlaceOf } from '../config/amqp-address.ts';
import type { BackendAddresses } from '../config/config.ts';
import type { RedisAddress } from '../config/redis-address.ts';
import { type ClientSignal, NO_SIGNALS, type SignalName, type Signals } from '../contract/signal.ts';
import { whether } from '../observe/health.ts';
import { withoutPassword } from '../observe/log.ts';
import { RabbitMqSignals, type SignalOutcome } from '../operate/signals/rabbitmq-signals.ts';
import { createReachCheck } from '../reach/reach-check.ts';
import { createSchedule, type Schedule } from '../reach/schedule.ts';
import { UnreachedChecker } from '../reach/unreached-checker.ts';
import type { Backends, Exposure } from './backends.ts';
import type { Context } from './context.ts';
import { type Checks, openRabbitMqQueue } from './rabbitmq-queue.ts';
import { openRedisStore } from './redis-store.ts';
import type { Store } from './store.ts';

export function openProduction(context: Context, addresses: BackendAddresses): Backends {
  const { config, log, onFatal } = context;
  const { amqp, redis } = addresses;
  // It connects when the queue is opened.
  const publisher = new Publisher(log, onFatal, partitioningOf(config));
  const signals = openSignals(context, publisher);
  const store = openRedisStore(context, redis, signals);
  const unreached = openUnreached(context, store, publisher);
  return {
    store,
    signals,
    schedule: unreached?.schedule,
    messagingSystem: 'rabbitmq',
    exposure: IN_A_NETWORK,
    places: { amqp: amqpPlaceOf(amqp), redis: placesOf(redis) },
    appendProbes: (isStalled) =>
      config.ROLES.includes('consumer') ? { appends: () => whether(!isStalled(), 'no progress') } : {},
    openQueue: (delivery) =>
      openRabbitMqQueue(context, { address: amqp, publisher, store, checks: unreached?.checks, delivery }),
  };
}

function placesOf(address: RedisAddress): readonly string[] {
  if (address.kind === 'standalone') return [withoutPassword(address.url)];
  if (address.kind === 'cluster') return address.urls.map(withoutPassword);
  const { sentinels, primary, database } = address;
  const hosts = sentinels.map(({ host, port }) => `${host}:${port}`);
  return [`${primary}/${database}, the primary that the Sentinels ${hosts.join(', ')} know`];
}

function openSignals({ node, config, log, metrics }: Context, publisher: Publisher): Signals {
  const wanted: readonly ClientSignal[] = config.SIGNALS;
  if (wanted.length === 0) return NO_SIGNALS;
  const onSignal = (name: ClientSignal, outcome: SignalOutcome) => metrics.signal(name, outcome);
  return new RabbitMqSignals({ node, wanted, publisher, log, onSignal });
}

interface Unreached {
  readonly schedule: Schedule;
  readonly checks: Checks;
}

/** Undefined when UNREACHED_AFTER is off, or this process is not a consumer. */
function openUnreached(
  { config, log, metrics, onFatal }: Context,
  { inbox, marks, directory, unreachedMemory: memory, now }: Store,
  publisher: Publisher,
): Unreached | undefined {
  if (memory === undefined || !config.ROLES.includes('consumer')) return undefined;
  const afterMs = config.UNREACHED_AFTER * 1000;
  const checker = new UnreachedChecker({
    reachCheck: createReachCheck({ inbox, marks, directory, memory, afterMs, now }),
    publisher,
    partitioning: partitioningOf(config),
    memory,
    afterMs,
    log,
    onClash: onFatal,
    onSignal: (name: SignalName, outcome: SignalOutcome) => metrics.signal(name, outcome),
  });
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  return {
    schedule: createSchedule({ publisher, afterMs, stopping: stopping.signal }),
    checks: {
      open: (address) => checker.open(address),
      stop,
      drain: () => checker.drain(),
      close: async () => {
        stop();
        await checker.close();
      },
    },
  };
}

/** Tokens decide who may do what, so anybody may reach the ports. */
const IN_A_NETWORK: Exposure = {
  mode: 'real',
  refusalOf: undefined,
  servesClient: false,
  console: { port: 'ops', pagePath: '/console/', needsToken: true },
  serveDemo: () => {},
  guard: () => {},
};
