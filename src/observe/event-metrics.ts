/** Counts and measures events on their way. */
import { audienceKind } from '../contract/audience.ts';
import type { EventObserver } from '../pipeline/event-observer.ts';
import type { Metrics } from './metrics.ts';

/** `measuresProcessing`: whether events come from RabbitMQ, which the metric is about. */
export function observeWithMetrics(metrics: Metrics, measuresProcessing: boolean): EventObserver {
  return {
    appended: ({ begunMs }, audience, { repeat }) => {
      metrics.appended(audienceKind(audience), repeat, performance.now() - begunMs);
    },
    settled: ({ begunMs, omitted }, settlement) => {
      if (omitted !== undefined) metrics.omitted(omitted);
      if (measuresProcessing) metrics.processed(performance.now() - begunMs);
      if (settlement.kind === 'dead-letter') metrics.deadLettered(settlement.refusal.code);
      else metrics.settled(settlement.kind);
    },
  };
}
