/**
 * The doctor's checks of RabbitMQ policies. A company's administrators often set some for all queues, and if a policy
 * and a queue's arguments give the same limit, RabbitMQ uses the lower one. Policies are visible only through the
 * management API, not through AMQP.
 */
import { z } from 'zod';
import {
  DEAD_LETTERS,
  isDeliverQueue,
  type Partitioning,
  UNREACHED_DELAY_QUEUE,
  UNREACHED_QUEUE,
} from '../adapters/rabbitmq/names.ts';
import { queuesOf } from '../adapters/rabbitmq/topology.ts';
import { Failure } from './failure.ts';
import type { Finding } from './finding.ts';
import type { ManagementApi } from './management-api.ts';
import { fetchReasonOf } from './web.ts';

const queueSchema = z.object({
  policy: z.string().nullish(),
  operator_policy: z.string().nullish(),
  arguments: z.record(z.string(), z.unknown()),
  // An empty list, or absent, when there is none.
  effective_policy_definition: z.unknown().optional(),
});

type QueueInfo = z.infer<typeof queueSchema>;

const CHECK = 'rabbitmq policies';

/** @param sources other services' queues that are consumed */
export async function examinePolicies(
  management: ManagementApi,
  partitioning: Partitioning,
  sources: readonly string[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  let known = 0;
  for (const queue of [...queuesOf(partitioning), ...sources]) {
    let info: QueueInfo | undefined;
    try {
      // A missing queue is what the check of the topology reports.
      info = await management.find('queues', queue, queueSchema);
    } catch (error) {
      const reason = error instanceof Failure ? error.message : fetchReasonOf(error);
      const found = `policies and bindings cannot be looked at: the management API cannot be asked: ${reason}`;
      const change =
        'set CARILLON_MANAGEMENT_URL=http://user:password@host:15672, of a user with the tag monitoring or management';
      return [{ check: CHECK, verdict: 'unknown', found, change }];
    }
    if (info === undefined) continue;
    if (sources.includes(queue)) {
      findings.push(...lossesIn(queue, info));
      continue;
    }
    known += 1;
    findings.push(...harmsIn(queue, info));
  }
  if (known === 0) {
    const found =
      'the management API knows none of the queues: they are missing, or it is of another RabbitMQ';
    return [
      {
        check: CHECK,
        verdict: 'unknown',
        found,
        change: 'see rabbitmq topology, and CARILLON_MANAGEMENT_URL',
      },
    ];
  }
  return findings.length > 0
    ? findings
    : [{ check: CHECK, verdict: 'ok', found: 'none takes anything away' }];
}

/** The harm that a policy's key does to one of Carillon's queues. */
const HARMS: Readonly<Record<string, (queue: string, value: unknown) => string | undefined>> = {
  'message-ttl': (queue, ms) => {
    if (isDeliverQueue(queue)) return `makes events that wait for ${ms} ms dead letters`;
    if (queue === UNREACHED_DELAY_QUEUE) return `has checks come back after ${ms} ms at the latest`;
    return `throws away what lies there for ${ms} ms`;
  },
  expires: (_, ms) => `deletes the queue with all in it when nobody has used it for ${ms} ms`,
  // Of RabbitMQ 4.3.
  'delayed-retry-type': (queue, type) => {
    if (type === 'disabled') return undefined;
    if (queue === DEAD_LETTERS) return `has dead letters that were looked at away for a while (${type})`;
    return `lets what comes later pass what comes back (${type})`;
  },
  'delivery-limit': (queue, limit) => {
    if (queue === DEAD_LETTERS) return `throws dead letters away that were looked at ${limit} times`;
    if (queue === UNREACHED_QUEUE) return `throws checks away that were in hand ${limit} times`;
    return undefined;
  },
};

/** What a limit takes away from another service's queue before Carillon has read it. */
const LOSSES: Readonly<Record<string, (value: unknown) => string>> = {
  'message-ttl': (ms) => `throws away what waits for ${ms} ms`,
  expires: (ms) => `deletes it with all in it when nobody has used it for ${ms} ms`,
  'max-length': (count) => `throws away the oldest beyond ${count}`,
  'max-length-bytes': (bytes) => `throws away the oldest beyond ${bytes} bytes`,
};

/** It is its owner's to say what may be lost, by policies or by arguments. */
function lossesIn(queue: string, info: QueueInfo): Finding[] {
  const ofPolicies = definitionOf(info);
  const limitOf = (name: string) => ofPolicies[name] ?? info.arguments[`x-${name}`];
  const isRefused = String(limitOf('overflow') ?? '').startsWith('reject-publish');
  return Object.entries(LOSSES).flatMap(([name, lossOf]) => {
    const limit = limitOf(name);
    if (limit === undefined || (isRefused && name.startsWith('max-length'))) return [];
    return [
      {
        check: `${CHECK} ${queue}`,
        verdict: 'advice',
        found: `${name in ofPolicies ? `${policiesOf(info)}: ` : ''}${name} ${lossOf(limit)}: no event comes of it`,
        change: 'ask whom the queue belongs to whether that is meant',
      },
    ];
  });
}

function definitionOf(info: QueueInfo): Readonly<Record<string, unknown>> {
  return z.record(z.string(), z.unknown()).safeParse(info.effective_policy_definition).data ?? {};
}

function policiesOf({ policy, operator_policy }: QueueInfo): string {
  return [
    ...(policy ? [`policy "${policy}"`] : []),
    ...(operator_policy ? [`operator policy "${operator_policy}"`] : []),
  ].join(', ');
}

function harmsIn(queue: string, info: QueueInfo): Finding[] {
  const effective = definitionOf(info);
  const names = policiesOf(info);
  const harm = (key: string, does: string, verdict: 'wrong' | 'advice'): Finding => ({
    check: `${CHECK} ${queue}`,
    verdict,
    found: `${names}: ${key} ${does}`,
    change:
      `except carillon.* from it: rabbitmqctl set_policy carillon '^carillon\\.' '{"overflow":"reject-publish"}' ` +
      '--apply-to queues --priority <higher than its own>; an operator policy only its owner can change',
  });
  return Object.entries(effective).flatMap(([key, value]) => {
    const does = HARMS[key]?.(queue, value);
    if (does !== undefined) return [harm(key, does, 'wrong')];
    if (key !== 'max-length' && key !== 'max-length-bytes') return [];
    // A policy's overflow wins over the argument (seen with RabbitMQ 3.10).
    const overflow = effective.overflow ?? info.arguments['x-overflow'] ?? 'drop-head';
    return overflow === 'reject-publish'
      ? [harm(key, `has it refuse more than ${value}`, 'advice')]
      : [harm(key, `throws away the oldest beyond ${value}`, 'wrong')];
  });
}
