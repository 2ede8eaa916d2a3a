/** Counts and measures what a gateway passes on, heals and recovers. */
import { audienceKind, isOwn } from '../contract/audience.ts';
import type { DeliveryObserver } from '../edge/gateway/delivery-observer.ts';
import type { Metrics } from './metrics.ts';

/** `now`: the clock that all processes share. */
export function countDeliveries(metrics: Metrics, now: () => number): DeliveryObserver {
  return {
    passedOn: (audience, { publishedAtMs }, sockets) =>
      metrics.delivered(audienceKind(audience), sockets, publishedAtMs, now()),
    healed: (audience) => {
      if (!isOwn(audience)) metrics.healed(audienceKind(audience));
    },
    recovered: (result, notifications) => metrics.recovered(result, notifications),
  };
}
