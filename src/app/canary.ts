/** This process's canary: its event, and the room to which it returns. */
import { performance } from 'node:perf_hooks';
import type { Audience } from '../contract/audience.ts';
import { type ReadEvent, readEnvelope } from '../contract/cloudevent.ts';
import { CANARY_TYPE } from '../contract/event.ts';
import type { PartHealth } from '../contract/health.ts';
import { parseNotification } from '../contract/notification.ts';
import type { DeliveryObserver } from '../edge/gateway/delivery-observer.ts';
import type { Gateway } from '../edge/gateway/gateway.ts';
import type { Subscriber } from '../edge/gateway/subscriber.ts';
import type { CanaryReading } from '../observe/queues-report.ts';
import { CANARY_LIFETIME_MS, Canary } from '../operate/canary/canary.ts';
import { canaryOfPacket } from '../pipeline/deliver-canary.ts';
import type { Inbox } from '../pipeline/inbox/inbox.ts';
import { faultOf } from '../resilience/unavailable.ts';
import type { Context } from './context.ts';
import type { Queue } from './queue.ts';

interface CanaryParts {
  readonly inbox: Inbox;
  readonly queue: Pick<Queue, 'publish' | 'partitions'>;
  /** The clock that the consumer goes by too. */
  readonly now: () => number;
}

export interface OwnCanary {
  readonly health: PartHealth;
  /** What it tells of a partition, or of the one queue. */
  reading(partition: number | undefined): CanaryReading | undefined;
  /** Starts to send canaries, to a room of this gateway. */
  start(gateway: Gateway): void;
  stop(): void;
  /**
   * Tells the canary when the feed of its room had to read it from the log because no subscription had brought it.
   */
  readonly observer: DeliveryObserver;
}

/** One that goes the way of every event, and one for each partition, which no key would lead to. */
export function openCanary(context: Context, parts: CanaryParts): OwnCanary {
  const { partitions } = parts.queue;
  const others = Array.from({ length: partitions?.count ?? 0 }, (_, partition) =>
    openOne(context, parts, partition),
  );
  const all = [openOne(context, parts, undefined), ...others];
  context.metrics.watch({ canary: () => legsOf(all) });
  return {
    get health() {
      // The one that goes the way of every event is in one of the partitions too, and cannot say in which.
      const failed = others.find(({ isStuck }) => isStuck) ?? all.find(({ health }) => !health.ok);
      return failed?.health ?? { ok: true };
    },
    reading: (partition) => (partition === undefined ? all[0] : others[partition])?.reading,
    start: (gateway) => {
      for (const one of all) one.start(gateway);
    },
    stop: () => {
      for (const one of all) one.stop();
    },
    observer: {
      healed: (audience) => {
        for (const one of all) one.healed(audience);
      },
    },
  };
}

type OneCanary = ReturnType<typeof openOne>;

/** A leg that several take works when it does for all of them. */
function legsOf(all: readonly OneCanary[]): Readonly<Record<string, boolean>> {
  const legs: Record<string, boolean> = {};
  for (const one of all)
    for (const [leg, works] of Object.entries(one.legs)) legs[leg] = (legs[leg] ?? true) && works;
  return legs;
}

function openOne(
  { node, config, log, metrics }: Context,
  { inbox, queue, now }: CanaryParts,
  partition: number | undefined,
) {
  const name = partition === undefined ? node : `${node}.${partition}`;
  const audience: Audience = `topic:carillon.canary.${name}`;
  // The other legs are the same for all.
  const nameOf = (leg: string) =>
    partition !== undefined && leg === 'consumer' ? `${leg} ${partition}` : leg;
  /** The process that took the one that is arriving. */
  let takenBy: string | undefined;
  /** The last one that came back. */
  let back:
    | { readonly roundTripMs: number; readonly atMs: number; readonly takenBy?: string | undefined }
    | undefined;
  const canary = new Canary({
    everyMs: config.CANARY_SECONDS * 1000,
    publish: async (id) => {
      const event = canaryEvent(name, audience, id, now());
      if (partition === undefined) return await queue.publish(event);
      // While the number of partitions changes, some are not there: nothing can be stuck in them.
      if ((await queue.partitions?.publish(partition, event)) !== false) return;
      canary.arrived(id);
      back = undefined;
    },
    newest: async () => {
      const [stored] = await inbox.readNewest(audience, 1, Number.MAX_SAFE_INTEGER, 1);
      return stored === undefined ? undefined : parseNotification(stored.json).id;
    },
    now: () => performance.now(),
    onArrived: (roundTripMs) => {
      back = { roundTripMs, atMs: performance.now(), takenBy };
      if (partition === undefined) metrics.canaryArrived(roundTripMs);
    },
    onChange: (failed) => {
      if (failed === undefined) log.info({ partition }, 'the canary comes back');
      else log.warn({ leg: nameOf(failed) }, 'the canary does not come back');
    },
    onFault: (error) => log.error(faultOf(error), 'the canary fails'),
  });
  const subscriber: Subscriber = {
    write: (frame) => {
      const arriving = canaryOfPacket(frame.text);
      if (arriving === undefined) return;
      takenBy = arriving.takenBy;
      canary.arrived(arriving.id);
    },
    // It has no cursor, so a new incarnation of the log does not matter.
    resync: () => {},
  };
  return {
    get health(): PartHealth {
      const { ok, reason } = canary.health;
      return reason === undefined ? { ok } : { ok, reason: nameOf(reason) };
    },
    /** It is known to be stuck in its partition. */
    get isStuck(): boolean {
      return partition !== undefined && canary.health.reason === 'consumer';
    },
    get reading(): CanaryReading {
      const { awaitedForMs, failedLeg } = canary;
      if (back === undefined) return { back, awaitedForMs, failedLeg };
      const { atMs, ...rest } = back;
      return { back: { ...rest, agoMs: performance.now() - atMs }, awaitedForMs, failedLeg };
    },
    get legs(): Readonly<Record<string, boolean>> {
      return Object.fromEntries(Object.entries(canary.legs).map(([leg, works]) => [nameOf(leg), works]));
    },
    start: (gateway: Gateway) => canary.start(() => gateway.host(audience, subscriber)),
    stop: () => canary.stop(),
    healed: (healed: Audience) => {
      if (healed === audience) canary.healed();
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
