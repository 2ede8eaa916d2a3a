/** What Carillon needs in RabbitMQ, for those who declare it themselves: as RabbitMQ imports it, and the rights besides. */
import {
  CONSUMERS_QUEUE_ARGUMENTS,
  DELIVER_QUEUE_ARGUMENTS,
  HASHING,
  hashingArguments,
  WEIGHT,
} from './delivery-layout.ts';
import type { Binding } from './foreign.ts';
import {
  CONSUMERS_QUEUE,
  canaryKeyOf,
  DEAD_LETTERS,
  DEAD_LETTERS_LOCK,
  DELIVER_QUEUE,
  DIRECT_EXCHANGE,
  EVENTS_EXCHANGE,
  markerOf,
  PARTITIONS_EXCHANGE,
  type Partitioning,
  partitionQueues,
  SIGNALS_EXCHANGE,
  UNREACHED_DELAY_QUEUE,
  UNREACHED_EXCHANGE,
  UNREACHED_QUEUE,
} from './names.ts';
import { EXCHANGES, QUEUES } from './topology.ts';

/** Of other services: exchanges that lead to Carillon's queues, and queues that are consumed. */
export type ForeignTopology = readonly (Binding | { readonly queue: string })[];

interface Parts {
  readonly exchanges: readonly (readonly [
    name: string,
    type: string,
    given?: Readonly<Record<string, unknown>>,
  ])[];
  readonly queues: readonly (readonly [name: string, given: Readonly<Record<string, unknown>>])[];
  readonly bindings: readonly { readonly from: string; readonly to: string; readonly key: string }[];
}

/** The form of `rabbitmqctl import_definitions` and of the management API. Importing changes nothing that is there. */
export function definitionsOf(vhost: string, partitioning: Partitioning, foreign: ForeignTopology) {
  const { exchanges, queues, bindings } = partsOf(partitioning, foreign);
  const kept = { vhost, durable: true, auto_delete: false };
  return {
    vhosts: [{ name: vhost }],
    exchanges: exchanges.map(([name, type, given = {}]) => ({
      name,
      ...kept,
      type,
      internal: false,
      arguments: given,
    })),
    queues: queues.map(([name, given]) => ({ name, ...kept, arguments: given })),
    bindings: bindings.map(({ from, to, key }) => ({
      source: from,
      vhost,
      destination: to,
      destination_type: to === PARTITIONS_EXCHANGE ? 'exchange' : 'queue',
      routing_key: key,
      arguments: {},
    })),
  };
}

function partsOf(partitioning: Partitioning, foreign: ForeignTopology): Parts {
  const events = partitioning.count === 1 ? ONE_QUEUE : partitions(partitioning);
  const target = partitioning.count === 1 ? DELIVER_QUEUE : PARTITIONS_EXCHANGE;
  return {
    exchanges: [...Object.entries(EXCHANGES), ...events.exchanges],
    queues: [
      ...Object.entries(QUEUES).map(([name, form]) => [name, form.arguments] as const),
      [DEAD_LETTERS_LOCK, {}],
      ...events.queues,
    ],
    bindings: [
      ...Object.entries(QUEUES).map(([to, { boundTo, key }]) => ({ from: boundTo, to, key })),
      { from: EVENTS_EXCHANGE, to: target, key: '#' },
      ...events.bindings,
      ...foreign.flatMap((one) =>
        'queue' in one ? [] : one.keys.map((key) => ({ from: one.exchange, to: target, key })),
      ),
    ],
  };
}

const ONE_QUEUE: Parts = {
  exchanges: [],
  queues: [[DELIVER_QUEUE, DELIVER_QUEUE_ARGUMENTS]],
  bindings: [],
};

/** As consumers that may declare would leave it: see delivery-layout.ts. */
function partitions(partitioning: Partitioning): Parts {
  const queues = partitionQueues(partitioning.count);
  return {
    exchanges: [
      [PARTITIONS_EXCHANGE, HASHING, hashingArguments(partitioning.by)],
      [DIRECT_EXCHANGE, 'direct'],
      [markerOf(partitioning), 'fanout'],
    ],
    queues: [
      [CONSUMERS_QUEUE, CONSUMERS_QUEUE_ARGUMENTS],
      ...queues.map((name) => [name, DELIVER_QUEUE_ARGUMENTS] as const),
    ],
    bindings: [
      { from: DIRECT_EXCHANGE, to: CONSUMERS_QUEUE, key: CONSUMERS_QUEUE },
      ...queues.flatMap((to) => [
        { from: PARTITIONS_EXCHANGE, to, key: WEIGHT },
        { from: DIRECT_EXCHANGE, to, key: canaryKeyOf(to) },
      ]),
    ],
  };
}

/** Regular expressions over names, as RabbitMQ has them. */
export interface Permissions {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

/** The least that works. `declares`: whether Carillon declares what {@link definitionsOf} holds. */
export function permissionsOf(
  declares: boolean,
  { count }: Partitioning,
  foreign: ForeignTopology,
): Permissions {
  const queues = foreign.flatMap((one) => ('queue' in one ? [one.queue] : []));
  const hasPartitions = count > 1;
  if (!declares) {
    const published = [EVENTS_EXCHANGE, SIGNALS_EXCHANGE, DEAD_LETTERS, UNREACHED_EXCHANGE].map(escaped);
    const consumed = [DEAD_LETTERS, DEAD_LETTERS_LOCK].map(escaped);
    const events = hasPartitions ? [PARTITION, escaped(CONSUMERS_QUEUE)] : [escaped(DELIVER_QUEUE)];
    return {
      configure: expression([], []),
      write: expression(hasPartitions ? [...published, escaped(DIRECT_EXCHANGE)] : published, []),
      read: expression([...consumed, ...events, escaped(UNREACHED_QUEUE)], queues),
    };
  }
  const exchanges = foreign.flatMap((one) => ('queue' in one ? [] : [one.exchange]));
  const lock = escaped(DEAD_LETTERS_LOCK);
  const signals = escaped(SIGNALS_EXCHANGE);
  const all = [
    escaped(EVENTS_EXCHANGE),
    signals,
    escaped(DEAD_LETTERS),
    lock,
    ...(hasPartitions ? OF_ANY_PARTITIONS : [escaped(DELIVER_QUEUE)]),
    escaped(UNREACHED_QUEUE),
    escaped(UNREACHED_DELAY_QUEUE),
  ];
  const used = all.filter((name) => name !== lock);
  return {
    configure: expression(all, []),
    write: expression(used, []),
    read: expression(
      used.filter((name) => name !== signals),
      [...exchanges, ...queues],
    ),
  };
}

const PREFIX = escaped('carillon.');
const PARTITION = `${escaped(DELIVER_QUEUE)}\\.[0-9]+`;

/** Who declares changes their number too, and then needs what there is with another one. */
const OF_ANY_PARTITIONS = [
  `${escaped(DELIVER_QUEUE)}(\\.[0-9]+)?`,
  `${escaped(PARTITIONS_EXCHANGE)}(\\..+)?`,
];

/** @param own regular expressions, each of which begins with the prefix */
function expression(own: readonly string[], foreign: readonly string[]): string {
  if (own.length === 0) return '^$';
  const ours = `${PREFIX}(${own.map((name) => name.slice(PREFIX.length)).join('|')})`;
  const all = [...new Set(foreign)].map(escaped);
  return all.length === 0 ? `^${ours}$` : `^(${[ours, ...all].join('|')})$`;
}

function escaped(name: string): string {
  return name.replaceAll(/[.^$*+?()[\]{}|\\]/g, '\\$&');
}
