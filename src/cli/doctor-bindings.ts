/**
 * The doctor's checks of bindings: those that are missing, those to other services' exchanges that no source names any
 * more, and keys that an exchange of its type does not go by. All are visible only through the management API.
 */
import { z } from 'zod';
import { definitionsOf } from '../adapters/rabbitmq/definitions.ts';
import {
  DELIVER_QUEUE,
  EVENTS_EXCHANGE,
  PARTITIONS_EXCHANGE,
  type Partitioning,
  queuesOfEvents,
} from '../adapters/rabbitmq/names.ts';
import type { AmqpAddress } from '../config/amqp-address.ts';
import { nameOf, type Source } from '../pipeline/sources/source.ts';
import { Failure } from './failure.ts';
import type { Finding } from './finding.ts';
import { type BindingInfo, bindingSchema, type ManagementApi } from './management-api.ts';
import { fetchReasonOf } from './web.ts';

const CHECK = 'rabbitmq bindings';

type ExchangeSource = Extract<Source, { readonly exchange: string }>;

/**
 * Nothing when the API does not answer, which the check of policies reports.
 *
 * @param isSettled whether RabbitMQ has the queues that PARTITIONS asks for; otherwise others are bound
 */
export async function examineBindings(
  management: ManagementApi,
  { declares }: Pick<AmqpAddress, 'declares'>,
  partitioning: Partitioning,
  sources: readonly Source[],
  isSettled: boolean,
): Promise<Finding[]> {
  const exchanges = sources.flatMap((source) => ('exchange' in source ? [source] : []));
  try {
    const findings = [
      ...(isSettled ? await missingBindings(management, declares, partitioning, exchanges) : []),
      ...(await staleBindings(management, partitioning, exchanges)),
      ...(await uselessKeys(management, exchanges)),
    ];
    if (findings.length > 0 || !isSettled) return findings;
    const found = 'events come to their queues, and exchanges of sources send what their keys say';
    return [{ check: CHECK, verdict: 'ok', found }];
  } catch (error) {
    // It raises what is no outage but a fault in the code.
    if (!(error instanceof Failure)) fetchReasonOf(error);
    return [];
  }
}

/** To queues and from exchanges that are there: the check of the topology, and that of sources, report the others. */
async function missingBindings(
  management: ManagementApi,
  declares: boolean,
  partitioning: Partitioning,
  sources: readonly ExchangeSource[],
): Promise<Finding[]> {
  const change = declares
    ? 'start a consumer with this AMQP_URL: it binds what is missing; a right may be missing too, see rabbitmq rights and sources'
    : 'AMQP_DECLARE is false: import what carillon topology prints';
  const findings: Finding[] = [];
  const wanted = definitionsOf('', partitioning, sources).bindings;
  for (const exchange of new Set(wanted.map(({ source }) => source))) {
    const path = '/bindings/source';
    const there = await management.find('exchanges', exchange, z.array(bindingSchema), path);
    if (there === undefined) continue;
    for (const { source, destination, destination_type, routing_key } of wanted) {
      if (source !== exchange) continue;
      const isThere = there.some((one) => one.destination === destination && one.routing_key === routing_key);
      if (isThere) continue;
      const kind = destination_type === 'queue' ? 'queues' : 'exchanges';
      if ((await management.find(kind, destination, z.object({}))) === undefined) continue;
      const found = `exchange ${exchange} does not send the key "${routing_key}" to ${destination}: what it should bring does not come`;
      findings.push({ check: CHECK, verdict: 'wrong', found, change });
    }
  }
  return findings;
}

/** From other services' exchanges, that no source names. */
async function staleBindings(
  management: ManagementApi,
  partitioning: Partitioning,
  sources: readonly ExchangeSource[],
): Promise<Finding[]> {
  const below = async (kind: 'queues' | 'exchanges', name: string, path: string) =>
    (await management.find(kind, name, z.array(bindingSchema), path)) ?? [];
  const bindings = await below('exchanges', PARTITIONS_EXCHANGE, '/bindings/destination');
  for (const queue of new Set([DELIVER_QUEUE, ...queuesOfEvents(partitioning)]))
    bindings.push(...(await below('queues', queue, '/bindings')));
  return bindings
    .filter((binding) => !isOwn(binding) && !isNamed(binding, sources))
    .map((binding) => ({
      check: CHECK,
      verdict: 'advice',
      found:
        `exchange ${binding.source} sends the key "${binding.routing_key}" to ${binding.destination}, and no source names that: ` +
        'what comes is read as CloudEvents, and anything else becomes a dead letter',
      change: `name it in SOURCES_FILE, or remove it: ${management.unbinding(binding)}`,
    }));
}

/** The default exchange's bindings are nobody's. */
function isOwn({ source }: BindingInfo): boolean {
  return (
    source === '' ||
    source === EVENTS_EXCHANGE ||
    source === PARTITIONS_EXCHANGE ||
    source.startsWith(`${PARTITIONS_EXCHANGE}.`)
  );
}

function isNamed({ source, routing_key }: BindingInfo, sources: readonly ExchangeSource[]): boolean {
  return sources.some(({ exchange, keys }) => exchange === source && keys.includes(routing_key));
}

const exchangeSchema = z.object({ type: z.string(), arguments: z.record(z.string(), z.unknown()) });

/** Keys are written as for a topic exchange. In one of another type they have another meaning, or none. */
async function uselessKeys(
  management: ManagementApi,
  sources: readonly ExchangeSource[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const source of sources) {
    const info = await management.find('exchanges', source.exchange, exchangeSchema);
    if (info === undefined) continue;
    // An exchange of the plugin for delayed messages has the type that counts in an argument.
    const fault = faultOf(String(info.arguments['x-delayed-type'] ?? info.type), source.keys);
    if (fault !== undefined) findings.push({ check: `${CHECK} ${nameOf(source)}`, ...fault });
  }
  return findings;
}

function faultOf(type: string, keys: readonly string[]): Omit<Finding, 'check'> | undefined {
  const patterns = keys.filter((key) => key.split('.').some((word) => word === '#' || word === '*'));
  if (type === 'direct' && patterns.length > 0)
    return {
      verdict: 'wrong',
      found: `it is a direct exchange, which knows no patterns: ${quoted(patterns)} takes no message`,
      change: 'list in keys each routing key as producers write it',
    };
  if ((type === 'fanout' || type === 'headers') && !keys.includes('#'))
    return {
      verdict: 'advice',
      found: `it is a ${type} exchange, which sends all messages whatever their keys: those that ${quoted(keys)} do not fit become dead letters`,
      change: 'leave keys out',
    };
  return undefined;
}

function quoted(keys: readonly string[]): string {
  return keys.map((key) => `"${key}"`).join(', ');
}
