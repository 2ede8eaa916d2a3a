/** The doctor's checks of RabbitMQ: whether it lets us in, its version, the topology, the consumers, and the rights. */
import type { ChannelModel, Replies } from 'amqplib';
import { Asking } from '../adapters/rabbitmq/asking.ts';
import { isConfigured, layoutIn, requirePlugin } from '../adapters/rabbitmq/delivery-layout.ts';
import {
  CONSUMERS_QUEUE,
  DEAD_LETTERS,
  DELIVER_QUEUE,
  MAX_PARTITIONS,
  type Partitioning,
  partitionQueue,
  queuesOfEvents,
} from '../adapters/rabbitmq/names.ts';
import { refusalIn } from '../adapters/rabbitmq/refusal.ts';
import { type Looked, missingIn, Topology } from '../adapters/rabbitmq/topology.ts';
import { PluginOff, TopologyClash } from '../adapters/rabbitmq/topology-clash.ts';
import type { AmqpAddress } from '../config/amqp-address.ts';
import { tlsChangeFor } from './doctor-certificates.ts';
import { examineRights, type Uses } from './doctor-rights.ts';
import { driverReasonOf, Failure } from './failure.ts';
import { type Finding, isAtLeast } from './finding.ts';
import { connectTo, disconnect } from './send-amqp.ts';

const CLOSE_MS = 3_000;

/** AMQP 0-9-1 reply code. */
const NOT_FOUND = 404;

export async function* examineRabbitMq(
  address: AmqpAddress,
  partitioning: Partitioning,
  uses: Uses,
): AsyncGenerator<Finding> {
  let model: ChannelModel;
  try {
    model = await connectTo(address);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    yield { check: 'rabbitmq', verdict: 'wrong', ...unreachable(error, address) };
    return;
  }
  try {
    yield versionOf(model);
    const fault = await partitionsFault(model, address, partitioning);
    if (fault !== undefined) yield fault;
    // RabbitMQ closes the connection for a type of exchange that it does not know.
    if (fault?.verdict === 'wrong') return;
    yield await topologyOf(model, address, partitioning);
    yield* await depthsOf(model, partitioning);
    yield* examineRights(model, address, partitioning, uses);
  } finally {
    // RabbitMQ does not read from a connection that it has blocked, so it would never answer a close either.
    await disconnect(model, CLOSE_MS);
  }
}

/** With what to change: that depends on how far the connection came. */
function unreachable(error: Failure, address: AmqpAddress): Pick<Finding, 'found' | 'change'> {
  const refusal = refusalIn(error, address);
  const { username, vhost } = address;
  if (refusal?.code === 'rabbitmq_login_refused') {
    const change = `correct user name and password in AMQP_URL, or: rabbitmqctl change_password ${username}; guest may come from RabbitMQ's own machine only`;
    return {
      found: refusal.message,
      change: address.isExternal ? 'see docs/configuration.md, Addresses' : change,
    };
  }
  if (refusal?.code === 'rabbitmq_vhost_refused') {
    const change = `rabbitmqctl add_vhost ${vhost}; then what carillon topology --permissions prints; or correct the virtual host in AMQP_URL, behind the host`;
    return { found: refusal.message, change };
  }
  const change =
    tlsChangeFor(error.message, 'AMQP') ??
    'start it, or correct host and port in AMQP_URL, or open the way there';
  return { found: error.message, change };
}

function versionOf({ connection }: ChannelModel): Finding {
  const { product, version } = connection.serverProperties;
  const check = 'rabbitmq version';
  const found = `${product} ${version}`;
  if (isAtLeast(version, [3, 10])) return { check, verdict: 'ok', found };
  return { check, verdict: 'wrong', found, change: 'upgrade to 3.10 or later: quorum queues need it' };
}

/** Undefined when RabbitMQ has the queues that PARTITIONS asks for, or nothing to say about it. */
async function partitionsFault(
  model: ChannelModel,
  { declares }: AmqpAddress,
  partitioning: Partitioning,
): Promise<Finding | undefined> {
  const check = 'rabbitmq partitions';
  const asking = new Asking(model);
  try {
    if (partitioning.count > 1) await requirePlugin(model, asking);
    // Only who may change the layout can ask which one it is.
    const layout = declares ? await layoutIn(asking, partitioning) : undefined;
    if (layout !== undefined && isConfigured(layout, partitioning)) return undefined;
    if (layout === 'spreading' || layout === 'gathering') {
      const found = 'events are on the way from one number of partitions to another';
      const change = 'nothing: it ends when no consumer has the old number any more';
      return { check, verdict: 'advice', found, change };
    }
    const there = await declaredCount(asking);
    // Nothing is there yet, or all that PARTITIONS asks for: the check of the topology says what is missing.
    if (there === 0 || (there === partitioning.count && !declares)) return undefined;
    const { count, by } = partitioning;
    const found =
      there === count
        ? `RabbitMQ spreads events over ${there} partitions by something else than PARTITION_BY=${by}`
        : `RabbitMQ has ${there === 1 ? 'the one queue' : `${there} partitions`}, and PARTITIONS is ${count}`;
    const change = declares
      ? `set PARTITIONS=${there}, or start all consumers again with PARTITIONS=${count}: the last one with the old number must end`
      : `set PARTITIONS=${there}, or let consumers with AMQP_DECLARE=true change the number`;
    return { check, verdict: 'advice', found, change };
  } catch (error) {
    if (error instanceof PluginOff) {
      const change =
        'at each node: rabbitmq-plugins enable rabbitmq_consistent_hash_exchange; or set PARTITIONS=1';
      return { check, verdict: 'wrong', found: error.message, change };
    }
    return { check, verdict: 'unknown', found: `they cannot be looked at: ${driverReasonOf(error)}` };
  } finally {
    asking.close();
  }
}

/** How many queues events are spread over in RabbitMQ; 0: it has none. */
async function declaredCount(asking: Asking): Promise<number> {
  let count = 0;
  while (count < MAX_PARTITIONS && (await asking.has({ queue: partitionQueue(count) }))) count += 1;
  if (count > 0) return count;
  return (await asking.has({ queue: DELIVER_QUEUE })) ? 1 : 0;
}

async function topologyOf(
  model: ChannelModel,
  address: AmqpAddress,
  partitioning: Partitioning,
): Promise<Finding> {
  const check = 'rabbitmq topology';
  const rights = 'give the user the rights in docs/rabbitmq-and-redis.md, Permissions';
  let looked: Looked;
  try {
    looked = await missingIn(model, partitioning, address.declares);
  } catch (error) {
    const found = `it cannot be looked at: ${driverReasonOf(error)}`;
    return { check, verdict: 'unknown', found, change: rights };
  }
  const { missing, hidden } = looked;
  if (missing.length > 0) {
    const change = address.declares
      ? 'start a Carillon process with this AMQP_URL: each declares all of it'
      : 'AMQP_DECLARE is false: import what carillon topology prints';
    return { check, verdict: 'wrong', found: `missing: ${missing.join(', ')}`, change };
  }
  if (hidden.length > 0) {
    const found = `this version of RabbitMQ lets only a user with configure ask for it: ${hidden.join(', ')}`;
    return {
      check,
      verdict: 'unknown',
      found,
      change: 'upgrade to 4.3.1 or later; Carillon works without that',
    };
  }
  if (!address.declares) {
    const found =
      'nothing is missing; with AMQP_DECLARE=false it is not compared with what Carillon would declare';
    return { check, verdict: 'ok', found };
  }
  try {
    // Everything exists, so declaring it only compares.
    const topology = new Topology(partitioning);
    await topology.declare(model);
    if (topology.earlier.length > 0) {
      const found = `${topology.earlier.join(', ')}: as an earlier version declared it, without x-overflow`;
      const change =
        'see docs/rabbitmq-and-redis.md, Policies: a policy that limits its length would throw away the oldest';
      return { check, verdict: 'advice', found, change };
    }
    return { check, verdict: 'ok', found: 'as Carillon declares it, with a single active consumer' };
  } catch (error) {
    if (error instanceof TopologyClash) {
      const change =
        'when it is empty, delete it (rabbitmqctl delete_queue) and start a process, which declares it anew; or use another virtual host';
      return { check, verdict: 'wrong', found: error.message, change };
    }
    const reason = driverReasonOf(error);
    const refusal = error instanceof Error ? refusalIn(error, address)?.message : undefined;
    if (refusal === undefined) return { check, verdict: 'unknown', found: reason, change: rights };
    const found = `nothing is missing, and with AMQP_DECLARE each process declares all of it at its start: ${refusal}`;
    return { check, verdict: 'wrong', found, change: `${rights}; or set AMQP_DECLARE=false` };
  }
}

async function depthsOf(model: ChannelModel, partitioning: Partitioning): Promise<Finding[]> {
  const channel = await model.createChannel();
  channel.on('error', () => {});
  try {
    const consumers: Finding[] = [];
    for (const queue of queuesOfEvents(partitioning))
      consumers.push(consumersOf(await channel.checkQueue(queue), partitioning.count));
    if (partitioning.count > 1)
      consumers.push(processesOf((await channel.checkQueue(CONSUMERS_QUEUE)).consumerCount));
    const dead = await channel.checkQueue(DEAD_LETTERS);
    return [...consumers, deadLettersOf(dead.messageCount)];
  } catch (error) {
    // The check of the topology reports a missing queue.
    if (error instanceof Error && 'code' in error && error.code === NOT_FOUND) return [];
    const found = `they cannot be looked at: ${driverReasonOf(error)}`;
    return [{ check: 'rabbitmq queues', verdict: 'unknown', found }];
  }
}

function consumersOf(
  { queue, consumerCount, messageCount }: Replies.AssertQueue,
  partitions: number,
): Finding {
  const check = 'rabbitmq consumers';
  const found = `${consumerCount} on ${queue}, ${messageCount} events wait`;
  if (consumerCount === 0) {
    return { check, verdict: 'wrong', found, change: 'start a process with the role consumer' };
  }
  if (consumerCount > 1 || partitions > 1) return { check, verdict: 'ok', found };
  return {
    check,
    verdict: 'advice',
    found,
    change: 'start a second consumer: it takes over when the first one ends',
  };
}

/** Partitions tell of the active consumer only. */
function processesOf(count: number): Finding {
  const check = 'rabbitmq consumers';
  const found = `${count} processes share the partitions`;
  if (count > 1) return { check, verdict: 'ok', found };
  return {
    check,
    verdict: 'advice',
    found,
    change: 'start more consumers: each takes a share, and what another had when that one ends',
  };
}

function deadLettersOf(count: number): Finding {
  const found = `${count} in ${DEAD_LETTERS}`;
  if (count === 0) return { check: 'dead letters', verdict: 'ok', found };
  return { check: 'dead letters', verdict: 'advice', found, change: 'carillon dead-letters list' };
}
