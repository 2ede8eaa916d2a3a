/** All works of the comparison: each work's plan, its contestants, and the targets for the ratios. */
import type { ContestantName, FigureName, Plan } from './job.ts';

export interface Target {
  readonly peer: ContestantName;
  /** The limit for ours divided by the peer's. */
  readonly ratio: number;
  readonly moonshot: number;
}

export interface Work {
  /** The letter for `--only`. Works that belong together share it. */
  readonly letter: string;
  readonly title: string;
  readonly plan: Plan;
  readonly contestants: readonly ContestantName[];
  /** The figure that the ratios compare. */
  readonly figure: FigureName;
  /** The unit that the CPU time is divided by. */
  readonly unit: string;
  /** True for rates. For costs, lower is better. */
  readonly higherIsBetter: boolean;
  readonly targets: readonly Target[];
}

const SOCKET_IO = ['carillon', 'stock', 'stock-deflate'] as const;
const OURS_AND_STOCK = ['carillon', 'stock'] as const;
const ALL = [...SOCKET_IO, 'raw-ws'] as const;

const CPU = { figure: 'cpuMicros', higherIsBetter: false } as const;

/** The sizes of the plans: for a real run, and for a smoke run, which only shows that everything works. */
const FULL = {
  sockets: 1_000,
  ticks: 300,
  tenfoldTicks: 30,
  warmUpTicks: 50,
  warmUpTenfoldTicks: 10,
  events: 20_000,
  warmUpEvents: 4_000,
  burstEvents: 300,
  warmUpBurstEvents: 50,
  many: 5_000,
  veryMany: 18_000,
  roaming: 10_000,
  // More often, and the deliveries to 10,000 clients take more than a core.
  roamingEveryMs: 500,
  fewBefore: 500,
  quietMs: 3_000,
  latencyEvents: 10_000,
  warmUpLatencyEvents: 3_000,
};

const SMOKE: typeof FULL = {
  sockets: 20,
  ticks: 5,
  tenfoldTicks: 2,
  warmUpTicks: 2,
  warmUpTenfoldTicks: 1,
  events: 200,
  warmUpEvents: 40,
  burstEvents: 10,
  warmUpBurstEvents: 2,
  many: 50,
  veryMany: 60,
  roaming: 60,
  roamingEveryMs: 50,
  fewBefore: 10,
  quietMs: 50,
  latencyEvents: 200,
  warmUpLatencyEvents: 40,
};

export function worksOf(isSmoke: boolean): readonly Work[] {
  const size = isSmoke ? SMOKE : FULL;
  const { sockets } = size;
  // A smoke run measures every work and every server, but not every pair of them.
  const socketIo = isSmoke ? OURS_AND_STOCK : SOCKET_IO;
  const all = isSmoke ? OURS_AND_STOCK : ALL;
  const fanOut = (dataBytes: number): Plan => ({
    kind: 'fan-out',
    sockets,
    dataBytes,
    perTick: 1,
    ticks: size.ticks,
    warmUpTicks: size.warmUpTicks,
  });
  const latency = (via: 'redis' | 'rabbitmq'): Plan => ({
    kind: 'latency',
    via,
    sockets,
    perSecond: 1_000,
    events: size.latencyEvents,
    warmUpEvents: size.warmUpLatencyEvents,
  });
  const sessions = (sockets: number, unread: number): Plan => ({
    kind: 'sessions',
    sockets,
    waves: 3,
    maxOpening: 200,
    unread,
  });
  const beginning = { ...CPU, letter: 'g', unit: 'connect' } as const;
  const rest = (sockets: number): Plan => ({
    kind: 'rest',
    sockets,
    warmUpSockets: size.fewBefore,
    quietMs: size.quietMs,
  });
  const resting = {
    letter: 'd',
    figure: 'connectionBytes',
    unit: 'connection',
    higherIsBetter: false,
    targets: [{ peer: 'stock', ratio: 1, moonshot: 0.7 }],
  } as const;
  const delivery = { ...CPU, unit: 'delivery' };
  const latencies = {
    letter: 'f',
    contestants: socketIo,
    figure: 'p99Ms',
    unit: 'event',
    higherIsBetter: false,
    targets: [{ peer: 'stock', ratio: 1, moonshot: 0.7 }],
  } as const;
  return [
    {
      ...delivery,
      letter: 'a',
      title: 'fan-out, 512 B',
      plan: fanOut(512),
      contestants: ALL,
      targets: [
        { peer: 'stock-deflate', ratio: 1 / 10, moonshot: 1 / 15 },
        { peer: 'stock', ratio: 0.8, moonshot: 0.6 },
      ],
    },
    {
      ...delivery,
      letter: 'a',
      title: 'fan-out, 4 KB',
      plan: fanOut(4_096),
      contestants: all,
      targets: [{ peer: 'stock-deflate', ratio: 1 / 15, moonshot: 1 / 25 }],
    },
    {
      ...delivery,
      letter: 'b',
      title: 'fan-out, 512 B, ten a tick',
      plan: {
        kind: 'fan-out',
        sockets,
        dataBytes: 512,
        perTick: 10,
        ticks: size.tenfoldTicks,
        warmUpTicks: size.warmUpTenfoldTicks,
      },
      contestants: all,
      targets: [{ peer: 'stock', ratio: 0.35, moonshot: 0.25 }],
    },
    {
      ...CPU,
      letter: 'c',
      title: 'end to end, to one user each',
      plan: {
        kind: 'to-users',
        sockets,
        events: size.events,
        warmUpEvents: size.warmUpEvents,
        maxInFlight: 1_000,
      },
      contestants: SOCKET_IO,
      unit: 'event',
      targets: [
        { peer: 'stock-deflate', ratio: 0.4, moonshot: 0.3 },
        { peer: 'stock', ratio: 0.75, moonshot: 0.5 },
      ],
    },
    {
      ...delivery,
      letter: 'c',
      title: `end to end, burst of ${size.burstEvents} to everybody`,
      plan: {
        kind: 'burst',
        sockets,
        events: size.burstEvents,
        warmUpEvents: size.warmUpBurstEvents,
      },
      contestants: socketIo,
      targets: [
        { peer: 'stock-deflate', ratio: 1 / 30, moonshot: 1 / 60 },
        { peer: 'stock', ratio: 1 / 4, moonshot: 1 / 7 },
      ],
    },
    { ...resting, title: 'memory of a connection at rest', plan: rest(size.many), contestants: socketIo },
    {
      ...resting,
      title: `memory of a connection at rest, ${size.veryMany.toLocaleString('en')} of them`,
      plan: rest(size.veryMany),
      contestants: OURS_AND_STOCK,
    },
    {
      letter: 'e',
      title: 'connection storm',
      plan: {
        kind: 'storm',
        sockets: size.many,
        warmUpSockets: size.fewBefore,
        maxOpening: 200,
      },
      contestants: socketIo,
      figure: 'perSecond',
      unit: 'connect',
      higherIsBetter: true,
      targets: [{ peer: 'stock', ratio: 1, moonshot: 1.5 }],
    },
    {
      ...beginning,
      title: 'a session begins, nothing unread',
      plan: sessions(2 * sockets, 0),
      contestants: socketIo,
      targets: [{ peer: 'stock', ratio: 1, moonshot: 0.7 }],
    },
    // Stock keeps nothing, so nothing can be unread.
    ...[10, 100].map(
      (unread): Work => ({
        ...beginning,
        title: `a session begins, ${unread} unread in each of 5 logs`,
        plan: sessions(2 * sockets, unread),
        contestants: ['carillon'],
        targets: [],
      }),
    ),
    {
      letter: 'h',
      title: `rolling restart of 2 servers, ${size.roaming.toLocaleString('en')} clients`,
      plan: { kind: 'restart', sockets: size.roaming, maxOpening: 200, everyMs: size.roamingEveryMs },
      contestants: OURS_AND_STOCK,
      figure: 'backMs',
      unit: '',
      higherIsBetter: false,
      targets: [],
    },
    { ...latencies, title: 'latency at 1,000/s, gateway', plan: latency('redis') },
    { ...latencies, title: 'latency at 1,000/s, end to end', plan: latency('rabbitmq') },
  ];
}

/** The number of sockets that the largest work opens, in the server and in the load. */
export function mostSockets(works: readonly Work[]): number {
  return Math.max(
    ...works.map(({ plan }) => plan.sockets + ('warmUpSockets' in plan ? plan.warmUpSockets : 0)),
  );
}
