/** What Carillon needs in RabbitMQ, for those who declare it themselves: as RabbitMQ imports it, and the rights besides. */
import type { Binding } from './foreign.ts';
import {
  DEAD_LETTERS,
  DEAD_LETTERS_LOCK,
  DELIVER_QUEUE,
  EVENTS_EXCHANGE,
  EXCHANGES,
  QUEUES,
  SIGNALS_EXCHANGE,
  UNREACHED_DELAY_QUEUE,
  UNREACHED_EXCHANGE,
  UNREACHED_QUEUE,
} from './topology.ts';

/** Of other services: exchanges that lead to Carillon's queue, and queues that are consumed. */
export type ForeignTopology = readonly (Binding | { readonly queue: string })[];

/** The form of `rabbitmqctl import_definitions` and of the management API. Importing changes nothing that is there. */
export function definitionsOf(vhost: string, foreign: ForeignTopology) {
  const kept = { vhost, durable: true, auto_delete: false };
  const binding = (source: string, destination: string, routing_key: string) => ({
    source,
    vhost,
    destination,
    destination_type: 'queue',
    routing_key,
    arguments: {},
  });
  return {
    vhosts: [{ name: vhost }],
    exchanges: Object.entries(EXCHANGES).map(([name, type]) => ({
      name,
      ...kept,
      type,
      internal: false,
      arguments: {},
    })),
    queues: [
      ...Object.entries(QUEUES).map(([name, form]) => ({ name, ...kept, arguments: form.arguments })),
      { name: DEAD_LETTERS_LOCK, ...kept, arguments: {} },
    ],
    bindings: [
      ...Object.entries(QUEUES).map(([name, { boundTo, key }]) => binding(boundTo, name, key)),
      ...foreign.flatMap((one) =>
        'queue' in one ? [] : one.keys.map((key) => binding(one.exchange, DELIVER_QUEUE, key)),
      ),
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
export function permissionsOf(declares: boolean, foreign: ForeignTopology): Permissions {
  const all = [
    EVENTS_EXCHANGE,
    SIGNALS_EXCHANGE,
    DEAD_LETTERS,
    DEAD_LETTERS_LOCK,
    DELIVER_QUEUE,
    UNREACHED_QUEUE,
    UNREACHED_DELAY_QUEUE,
  ];
  const queues = foreign.flatMap((one) => ('queue' in one ? [one.queue] : []));
  if (!declares)
    return {
      configure: expression([], []),
      write: expression([EVENTS_EXCHANGE, SIGNALS_EXCHANGE, DEAD_LETTERS, UNREACHED_EXCHANGE], []),
      read: expression([DEAD_LETTERS, DEAD_LETTERS_LOCK, DELIVER_QUEUE, UNREACHED_QUEUE], queues),
    };
  const exchanges = foreign.flatMap((one) => ('queue' in one ? [] : [one.exchange]));
  const used = all.filter((name) => name !== DEAD_LETTERS_LOCK);
  return {
    configure: expression(all, []),
    write: expression(used, []),
    read: expression(
      used.filter((name) => name !== SIGNALS_EXCHANGE),
      [...exchanges, ...queues],
    ),
  };
}

const PREFIX = 'carillon.';

function expression(own: readonly string[], foreign: readonly string[]): string {
  if (own.length === 0) return '^$';
  const names = own.map((name) => escaped(name.slice(PREFIX.length)));
  const ours = `${escaped(PREFIX)}(${names.join('|')})`;
  const all = [...new Set(foreign)].map(escaped);
  return all.length === 0 ? `^${ours}$` : `^(${[ours, ...all].join('|')})$`;
}

function escaped(name: string): string {
  return name.replaceAll(/[.^$*+?()[\]{}|\\]/g, '\\$&');
}
