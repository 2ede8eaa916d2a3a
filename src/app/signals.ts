/** What other services are told: signals of what users do, and of notifications that nobody came for. */

import type { Publisher } from '../adapters/rabbitmq/publisher.ts';
import { type ClientSignal, NO_SIGNALS, type SignalName, type Signals } from '../contract/signal.ts';
import { MemorySignals } from '../operate/signals/memory-signals.ts';
import { RabbitMqSignals, type SignalOutcome } from '../operate/signals/rabbitmq-signals.ts';
import { MemoryUnreached } from '../reach/memory-unreached.ts';
import { createReachCheck } from '../reach/reach-check.ts';
import { createSchedule, type Schedule } from '../reach/schedule.ts';
import { UnreachedChecker } from '../reach/unreached-checker.ts';
import type { Context } from './context.ts';
import type { Store } from './store.ts';

/** `publisher` undefined: embedded mode. */
export function openSignals(
  context: Pick<Context, 'node' | 'config' | 'log' | 'metrics' | 'listeners'>,
  publisher: Publisher | undefined,
): Signals {
  const { node, config, log, metrics, listeners } = context;
  const wanted: readonly ClientSignal[] = config.SIGNALS;
  if (wanted.length === 0) return NO_SIGNALS;
  const onSignal = (name: ClientSignal, outcome: SignalOutcome) => metrics.signal(name, outcome);
  if (publisher === undefined) return new MemorySignals({ node, wanted, listeners, onSignal });
  return new RabbitMqSignals({ node, wanted, publisher, log, onSignal });
}

/** Tells what an inbox was told to mark. */
/** Looks after notifications that no gateway took. */
export interface Unreached {
  readonly schedule: Schedule;
  open(amqpUrl: string): Promise<void>;
  /** MUST be called before it is awaited that events in hand are settled. */
  stop(): void;
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** `publisher` undefined: embedded mode. Undefined when nobody wants to know, or this process is no consumer. */
export function openUnreached(
  { config, log, metrics, listeners, onFatal }: Context,
  { inbox, marks, directory, unreachedMemory: memory, now }: Store,
  publisher: Publisher | undefined,
): Unreached | undefined {
  const afterMs = config.UNREACHED_AFTER * 1000;
  if (memory === undefined || afterMs === 0 || !config.ROLES.includes('consumer')) return undefined;
  const reachCheck = createReachCheck({ inbox, marks, directory, memory, afterMs, now });
  const onSignal = (name: SignalName, outcome: SignalOutcome) => metrics.signal(name, outcome);
  if (publisher === undefined) {
    const unreached = new MemoryUnreached({ reachCheck, memory, listeners, afterMs, after, log, onSignal });
    return {
      schedule: unreached.schedule,
      open: async () => {},
      stop: () => unreached.stop(),
      drain: () => unreached.drain(),
      close: async () => {},
    };
  }
  const stopping = new AbortController();
  const checker = new UnreachedChecker({
    reachCheck,
    publisher,
    memory,
    afterMs,
    log,
    onClash: onFatal,
    onSignal,
  });
  return {
    schedule: createSchedule({ publisher, afterMs, stopping: stopping.signal }),
    open: (amqpUrl) => checker.open(amqpUrl),
    stop: () => stopping.abort(),
    drain: () => checker.drain(),
    close: () => checker.close(),
  };
}

function after(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
