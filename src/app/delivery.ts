/** The way of events from the queue into inboxes, with their observers. */
import { logSampledEvents } from '../observe/event-log.ts';
import { observeWithMetrics } from '../observe/event-metrics.ts';
import { createSampler } from '../observe/log.ts';
import { keepOutcomes } from '../observe/outcomes/outcomes-observer.ts';
import { createDeliver } from '../pipeline/deliver.ts';
import { withCanaries } from '../pipeline/deliver-canary.ts';
import type { Erasures } from '../pipeline/erasures.ts';
import { type EventObserver, EventObservers } from '../pipeline/event-observer.ts';
import type { AppendQueue } from '../pipeline/inbox/append-queue.ts';
import { reasonOf } from '../resilience/reason.ts';
import { stackOf } from '../resilience/unavailable.ts';
import type { Backends } from './backends.ts';
import type { Context } from './context.ts';
import type { Delivery } from './queue.ts';

interface DeliveryParts extends Pick<Backends, 'store' | 'schedule' | 'messagingSystem'> {
  readonly erasures: Erasures;
  readonly appendQueue: AppendQueue;
  /** Observers besides metrics, log and outcomes. */
  readonly observers: readonly EventObserver[];
}

export function createDelivery(context: Context, parts: DeliveryParts): Delivery {
  const { node, config, routing } = context;
  const { store, schedule, appendQueue, erasures } = parts;
  const { now } = store;
  const observers = openObservers(context, parts);
  const deliver = createDeliver({
    appendQueue,
    routing,
    maxAudiences: config.EVENT_MAX_AUDIENCES,
    isSampled: createSampler(config.LOG_SAMPLE_RATE),
    observers,
    erasures,
    ...(schedule === undefined ? {} : { schedule }),
  });
  return { handle: withCanaries({ node, appendQueue, now }, deliver), observers };
}

function openObservers(
  { config, log, metrics }: Context,
  { store, messagingSystem, observers }: DeliveryParts,
): EventObservers {
  const all = [
    ...observers,
    observeWithMetrics(metrics, messagingSystem === 'rabbitmq'),
    ...(config.LOG_SAMPLE_RATE > 0 ? [logSampledEvents(log)] : []),
    ...(config.TRAIL_SECONDS > 0 ? [keepOutcomes(store.outcomes, store.now)] : []),
  ];
  return new EventObservers(all, (error) => {
    const fault = { code: 'internal', reason: reasonOf(error), stack: stackOf(error) };
    log.error(fault, 'an observer of events failed; its next faults are not told');
  });
}
