/** The stages of events, put together: for each event its way, and for each of its audiences how that one ended. */
import type { Stage } from './tick.ts';

/** One audience of an event. */
export interface Leg {
  readonly audience: string;
  readonly offset: number | undefined;
  /** Gateways that host the audience: with none, nobody is connected. */
  readonly nodes: number | undefined;
  /** On all nodes; undefined until one has told. */
  readonly sockets: number | undefined;
  /** Of the node that was last; from being published to being written to sockets. */
  readonly latencyMs: number | undefined;
}

interface Death {
  readonly atMs: number;
  readonly reason: string;
  readonly detail: string;
}

export interface Journey {
  readonly key: string;
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly firstAtMs: number;
  readonly isMapped: boolean;
  /** It had been delivered before, and was not again. */
  readonly isRepeat: boolean;
  /** How many audiences it is for; undefined until it is mapped. */
  readonly count: number | undefined;
  readonly route: string | undefined;
  readonly legs: readonly Leg[];
  readonly death: Death | undefined;
}

export const MAX_JOURNEYS = 100;

/** The same event has the same key. No source has a space. */
export function journeyKey({ source, id }: { readonly source: string; readonly id: string }): string {
  return `${source} ${id}`;
}

/** Newest first. Stages may come in any order, and any of them may not have been sampled. */
export function withStages(journeys: readonly Journey[], stages: readonly Stage[]): readonly Journey[] {
  const known = new Map(journeys.map((journey) => [journey.key, journey]));
  const begun: string[] = [];
  for (const stage of stages) {
    const key = journeyKey(stage.event);
    const journey = known.get(key);
    if (journey === undefined) begun.unshift(key);
    known.set(key, withStage(journey ?? begin(key, stage), stage));
  }
  const keys = [...begun, ...journeys.map(({ key }) => key)].slice(0, MAX_JOURNEYS);
  return keys.flatMap((key) => known.get(key) ?? []);
}

export function isAppended({ legs }: Journey): boolean {
  return legs.some(({ offset }) => offset !== undefined);
}

export function isDelivered({ legs }: Journey): boolean {
  return legs.some(({ sockets }) => sockets !== undefined);
}

export function socketsOf({ legs }: Journey): number {
  return legs.reduce((sum, { sockets = 0 }) => sum + sockets, 0);
}

/** Until the last audience had it. */
export function latencyOf({ legs }: Journey): number | undefined {
  const known = legs.flatMap(({ latencyMs }) => latencyMs ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
}

function begin(key: string, { event, atMs }: Stage): Journey {
  return {
    key,
    ...event,
    firstAtMs: atMs,
    isMapped: false,
    isRepeat: false,
    count: undefined,
    route: undefined,
    legs: [],
    death: undefined,
  };
}

function withStage(journey: Journey, stage: Stage): Journey {
  const { atMs, audience } = stage;
  const next = { ...journey, firstAtMs: Math.min(journey.firstAtMs, atMs) };
  switch (stage.stage) {
    case 'received':
      return next;
    case 'mapped': {
      const { audiences = [], route = journey.route } = stage;
      const legs = audiences.reduce((known, named) => withLeg(known, named, (leg) => leg), journey.legs);
      return { ...next, isMapped: true, count: stage.count ?? audiences.length, route, legs };
    }
    case 'appended':
    case 'delivered': {
      const isRepeat = journey.isRepeat || stage.detail === 'repeat';
      if (audience === undefined) return next;
      return { ...next, isRepeat, legs: withLeg(journey.legs, audience, (leg) => passed(leg, stage)) };
    }
    case 'dead': {
      const { reason = 'unknown', detail = '' } = stage;
      return { ...next, death: { atMs, reason, detail } };
    }
  }
}

function passed(leg: Leg, { stage, offset = leg.offset, nodes = leg.nodes, sockets, latencyMs }: Stage): Leg {
  if (stage === 'appended') return { ...leg, offset, nodes };
  const times = [leg.latencyMs, latencyMs].filter((time) => time !== undefined);
  return {
    ...leg,
    offset,
    sockets: (leg.sockets ?? 0) + (sockets ?? 0),
    latencyMs: times.length === 0 ? undefined : Math.max(...times),
  };
}

function withLeg(legs: readonly Leg[], audience: string, change: (leg: Leg) => Leg): readonly Leg[] {
  if (legs.some((leg) => leg.audience === audience)) {
    return legs.map((leg) => (leg.audience === audience ? change(leg) : leg));
  }
  return [
    ...legs,
    change({ audience, offset: undefined, nodes: undefined, sockets: undefined, latencyMs: undefined }),
  ];
}
