/** What this process does with events, as whoever watches is told it. All of it costs next to nothing while nobody does. */
import type { Audience } from '../contract/audience.ts';
import { AUDIENCES_NAMED, type Stage } from '../contract/console.ts';
import type { Event } from '../contract/event.ts';
import { eventOfPacket } from '../contract/notification.ts';
import type { Refusal } from '../contract/refusal.ts';
import type { Activity } from '../observe/activity/activity.ts';
import type { Appended } from '../pipeline/inbox/inbox.ts';
import type { LiveMessage } from '../pipeline/inbox/live-message.ts';
import type { Mapped } from '../pipeline/routing/route.ts';

type EventShown = Stage['event'];

export interface ActivityRecorder {
  /** `event`, here and below, is called only when a sample is taken. */
  received(event: () => EventShown): void;
  mapped(event: Event, mapped: readonly Mapped[]): void;
  appended(event: Event, audience: Audience, appended: Appended): void;
  dead(event: () => EventShown, refusal: Refusal): void;
  delivered(audience: Audience, message: LiveMessage, sockets: number): void;
  recovered(notifications: number): void;
}

/** `now`: the time that all processes go by. */
export function createActivityRecorder(activity: Activity, now: () => number): ActivityRecorder {
  return {
    received: (event) => {
      if (activity.isWatched)
        activity.record({ stage: 'received', amount: 1, show: () => ({ event: shown(event()) }) });
    },
    mapped: (event, mapped) => {
      if (activity.isWatched)
        activity.record({ stage: 'mapped', amount: 1, show: () => mappedShown(event, mapped) });
    },
    appended: (event, audience, { epoch, offset, gateways: nodes, repeat }) => {
      if (!activity.isWatched) return;
      const detail = repeat ? { detail: 'repeat' } : {};
      const show = () => ({ event: shown(event), audience, epoch, offset, nodes, ...detail });
      activity.record({ stage: 'appended', amount: 1, show });
    },
    dead: (event, { code: reason, message: detail }) => {
      if (!activity.isWatched) return;
      activity.record({ stage: 'dead', amount: 1, show: () => ({ event: shown(event()), reason, detail }) });
    },
    delivered: (audience, { epoch, offset, packet, publishedAtMs }, sockets) => {
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
    recovered: (notifications) => {
      if (activity.isWatched) activity.record({ stage: 'recovered', amount: notifications });
    },
  };
}

function shown({ source, id, type }: EventShown): EventShown {
  return { source, id, type };
}

function mappedShown(event: Event, mapped: readonly Mapped[]) {
  const route = mapped[0]?.route;
  return {
    event: shown(event),
    audiences: mapped.slice(0, AUDIENCES_NAMED).map(({ audience }) => audience),
    count: mapped.length,
    ...(route === undefined ? {} : { route }),
  };
}

const UNKNOWN: EventShown = { source: '', id: '', type: '' };
