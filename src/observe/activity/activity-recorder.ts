/** Records what this process does with events, for the console. It costs almost nothing while nobody watches. */
import { AUDIENCES_NAMED, type Stage } from '../../contract/console.ts';
import { eventOfPacket } from '../../contract/notification.ts';
import type { DeliveryObserver } from '../../edge/gateway/delivery-observer.ts';
import type { EventLife } from '../../pipeline/event-life.ts';
import type { EventObserver } from '../../pipeline/event-observer.ts';
import type { Activity } from './activity.ts';

type EventShown = Stage['event'];

export type ActivityRecorder = EventObserver & DeliveryObserver;

/** `now`: the clock that all processes share. */
export function createActivityRecorder(activity: Activity, now: () => number): ActivityRecorder {
  return {
    received: ({ names }) => {
      if (activity.isWatched)
        activity.record({ stage: 'received', amount: 1, show: () => ({ event: shown(names) }) });
    },
    mapped: (life) => {
      if (activity.isWatched) activity.record({ stage: 'mapped', amount: 1, show: () => mappedShown(life) });
    },
    appended: ({ names }, audience, { epoch, offset, gateways: nodes, repeat }) => {
      if (!activity.isWatched) return;
      const detail = repeat ? { detail: 'repeat' } : {};
      const show = () => ({ event: shown(names), audience, epoch, offset, nodes, ...detail });
      activity.record({ stage: 'appended', amount: 1, show });
    },
    settled: ({ names }, settlement) => {
      if (!activity.isWatched || settlement.kind !== 'dead-letter') return;
      const { code: reason, message: detail } = settlement.refusal;
      activity.record({ stage: 'dead', amount: 1, show: () => ({ event: shown(names), reason, detail }) });
    },
    passedOn: (audience, { epoch, offset, packet, publishedAtMs }, sockets) => {
      if (!activity.isWatched) return;
      const latencyMs = publishedAtMs === undefined ? undefined : Math.max(0, now() - publishedAtMs);
      const measured = latencyMs === undefined ? {} : { latencyMs };
      const show = () => ({
        event: shown(eventOfPacket(packet.toString()) ?? UNKNOWN),
        audience,
        epoch,
        offset,
        sockets,
        ...measured,
      });
      activity.record({ stage: 'delivered', amount: sockets, latencyMs, show });
    },
    recovered: (_result, notifications) => {
      if (activity.isWatched) activity.record({ stage: 'recovered', amount: notifications });
    },
  };
}

function shown({ source, id, type }: EventShown): EventShown {
  return { source, id, type };
}

function mappedShown({ names, mapped }: EventLife) {
  const route = mapped[0]?.route;
  return {
    event: shown(names),
    audiences: mapped.slice(0, AUDIENCES_NAMED).map(({ audience }) => audience),
    count: mapped.length,
    ...(route === undefined ? {} : { route }),
  };
}

const UNKNOWN: EventShown = { source: '', id: '', type: '' };
