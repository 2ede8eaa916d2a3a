/** What becomes of events that a queue gives: their way into inboxes, and who is told of it. */
import { audienceKind } from '../contract/audience.ts';
import { createSampler } from '../observe/log.ts';
import type { Tracing } from '../observe/tracing.ts';
import { createDeliver } from '../pipeline/deliver.ts';
import { withCanaries } from '../pipeline/deliver-canary.ts';
import type { AppendQueue } from '../pipeline/inbox/append-queue.ts';
import type { Handle } from '../pipeline/ingest/settlement.ts';
import type { ActivityRecorder } from './activity-recorder.ts';
import type { Backends } from './backends.ts';
import type { Context } from './context.ts';
import type { Delivery } from './queue.ts';

interface DeliveryParts extends Pick<Backends, 'store' | 'schedule'> {
  readonly appendQueue: AppendQueue;
  /** Undefined when nothing could record traces. */
  readonly tracing: Tracing | undefined;
  readonly activity: ActivityRecorder | undefined;
}

export function createDelivery(
  { config, log, metrics, routes }: Context,
  { store, schedule, appendQueue, tracing, activity }: DeliveryParts,
): Delivery {
  const { now } = store;
  const deliver = createDeliver({
    appendQueue,
    routes,
    maxAudiences: config.EVENT_MAX_AUDIENCES,
    isSampled: createSampler(config.LOG_SAMPLE_RATE),
    outcomes: store.outcomes,
    now,
    ...(schedule === undefined ? {} : { schedule }),
    onMapped: activity?.mapped,
    startTrace: tracing === undefined ? undefined : (event) => tracing.begin(event),
    onAppended: (event, audience, appended, { sampled, tookMs }) => {
      const { epoch, offset, repeat, gateways } = appended;
      activity?.appended(event, audience, appended);
      metrics.appended(audienceKind(audience), repeat, tookMs);
      if (sampled) log.info({ event, audience, epoch, offset, repeat, gateways }, 'appended');
    },
  });
  return {
    handle: withCanaries(
      appendQueue,
      now,
      activity === undefined ? deliver : afterReceived(activity, deliver),
    ),
    onSettled: (settlement, tookMs) => {
      if (settlement.kind === 'ack' && settlement.isCanary) return;
      if (tookMs !== undefined) metrics.processed(tookMs);
      if (settlement.kind === 'dead-letter') metrics.deadLettered(settlement.refusal.code);
      else metrics.settled(settlement.kind);
    },
    activity,
  };
}

function afterReceived(activity: ActivityRecorder, deliver: Handle): Handle {
  return (event, publishedAtMs) => {
    activity.received(() => event);
    return deliver(event, publishedAtMs);
  };
}
