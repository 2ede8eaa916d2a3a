/** What other services are told: signals of what users do, and of notifications that nobody came for. */
import { type Activity, NO_SIGNALS, type Signals } from '../contract/signal.ts';
import type { StoredInboxOptions } from '../inbox/stored-inbox.ts';
import type { Publisher } from '../ingest/publisher.ts';
import { createJudge } from '../signals/judge.ts';
import { RabbitMqSignals } from '../signals/rabbitmq-signals.ts';
import { createSchedule, type Schedule } from '../signals/schedule.ts';
import { UnreachedChecker } from '../signals/unreached-checker.ts';
import type { Context } from './context.ts';
import type { Store } from './store.ts';

/** `publisher` undefined, in embedded mode: there is nobody to tell. */
export function openSignals(
  { node, config, log, metrics }: Pick<Context, 'node' | 'config' | 'log' | 'metrics'>,
  publisher: Publisher | undefined,
): Signals {
  const wanted: readonly Activity[] = config.SIGNALS;
  if (publisher === undefined || wanted.length === 0) return NO_SIGNALS;
  return new RabbitMqSignals({
    node,
    wanted,
    publisher,
    log,
    onSignal: (name, outcome) => metrics.signal(name, outcome),
  });
}

/** Tells what an inbox was told to mark. */
export function readSignal(signals: Signals): NonNullable<StoredInboxOptions['onRead']> {
  return (user, as, { ids, upTo, all }, origin) =>
    signals.emit('notification.read', { user, as, ids, upTo, all, by: origin === '' ? 'http' : origin });
}

/** Looks after notifications that no gateway took. */
export interface Unreached {
  readonly schedule: Schedule;
  open(amqpUrl: string): Promise<void>;
  /** MUST be called before it is awaited that events in hand are settled. */
  stop(): void;
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Undefined when nobody wants to know, or this process is no consumer. */
export function openUnreached(
  { config, log, metrics, onFatal }: Context,
  { inbox, marks, directory, unreachedMemory: memory }: Store,
  publisher: Publisher,
): Unreached | undefined {
  const afterMs = config.UNREACHED_AFTER * 1000;
  if (memory === undefined || afterMs === 0 || !config.ROLES.includes('consumer')) return undefined;
  const stopping = new AbortController();
  const checker = new UnreachedChecker({
    judge: createJudge({ inbox, marks, directory, memory, afterMs, now: Date.now }),
    publisher,
    memory,
    afterMs,
    log,
    onClash: onFatal,
    onSignal: (name, outcome) => metrics.signal(name, outcome),
  });
  return {
    schedule: createSchedule({ publisher, afterMs, stopping: stopping.signal }),
    open: (amqpUrl) => checker.open(amqpUrl),
    stop: () => stopping.abort(),
    drain: () => checker.drain(),
    close: () => checker.close(),
  };
}
