/** This process's canary: its event, and the room to which it returns. */
import { performance } from 'node:perf_hooks';
import type { Audience } from '../contract/audience.ts';
import { type ReadEvent, readEnvelope } from '../contract/cloudevent.ts';
import { CANARY_TYPE } from '../contract/event.ts';
import type { PartHealth } from '../contract/health.ts';
import { eventOfPacket, parseNotification } from '../contract/notification.ts';
import type { DeliveryObserver } from '../edge/gateway/delivery-observer.ts';
import type { Gateway } from '../edge/gateway/gateway.ts';
import type { Subscriber } from '../edge/gateway/subscriber.ts';
import { CANARY_LIFETIME_MS, Canary } from '../operate/canary/canary.ts';
import type { Inbox } from '../pipeline/inbox/inbox.ts';
import { faultOf } from '../resilience/unavailable.ts';
import type { Context } from './context.ts';
import type { Queue } from './queue.ts';

interface CanaryParts {
  readonly inbox: Inbox;
  readonly queue: Pick<Queue, 'publish'>;
  /** The clock that the consumer goes by too. */
  readonly now: () => number;
}

export interface OwnCanary {
  readonly health: PartHealth;
  /** Starts to send canaries, to a room of this gateway. */
  start(gateway: Gateway): void;
  stop(): void;
  /**
   * Tells the canary when the feed of its room had to read it from the log because no subscription had brought it.
   */
  readonly observer: DeliveryObserver;
}

export function openCanary(
  { node, config, log, metrics }: Context,
  { inbox, queue, now }: CanaryParts,
): OwnCanary {
  const audience: Audience = `topic:carillon.canary.${node}`;
  const canary = new Canary({
    everyMs: config.CANARY_SECONDS * 1000,
    publish: (id) => queue.publish(canaryEvent(node, audience, id, now())),
    newest: async () => {
      const [stored] = await inbox.readNewest(audience, 1, Number.MAX_SAFE_INTEGER, 1);
      return stored === undefined ? undefined : parseNotification(stored.json).id;
    },
    now: () => performance.now(),
    onArrived: (roundTripMs) => metrics.canaryArrived(roundTripMs),
    onChange: (failed) => {
      if (failed === undefined) log.info('the canary comes back');
      else log.warn({ leg: failed }, 'the canary does not come back');
    },
    onFault: (error) => log.error(faultOf(error), 'the canary fails'),
  });
  metrics.watch({ canary: () => canary.legs });
  const subscriber: Subscriber = {
    write: (frame) => {
      const id = eventOfPacket(frame.text)?.id;
      if (id !== undefined) canary.arrived(id);
    },
    // It has no cursor, so a new incarnation of the log does not matter.
    resync: () => {},
  };
  return {
    get health() {
      return canary.health;
    },
    start: (gateway) => canary.start(() => gateway.host(audience, subscriber)),
    stop: () => canary.stop(),
    observer: {
      healed: (healed) => {
        if (healed === audience) canary.healed();
      },
    },
  };
}

function canaryEvent(node: string, audience: Audience, id: string, nowMs: number): ReadEvent {
  const read = readEnvelope({
    specversion: '1.0',
    id,
    source: `/carillon/${node}`,
    type: CANARY_TYPE,
    expirytime: new Date(nowMs + CANARY_LIFETIME_MS).toISOString(),
    audience: [audience],
  });
  if (!read.ok) throw new Error(`the canary is no event: ${read.refusal.message}`);
  return read.value;
}
