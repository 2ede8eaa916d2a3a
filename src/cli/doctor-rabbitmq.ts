/** The doctor's checks of RabbitMQ: its version, the topology, the consumers, and whether it takes messages. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ChannelModel, Replies } from 'amqplib';
import { Asking } from '../adapters/rabbitmq/asking.ts';
import { isConfigured, layoutIn, requirePlugin } from '../adapters/rabbitmq/delivery-layout.ts';
import {
  CONSUMERS_QUEUE,
  DEAD_LETTERS,
  type Partitioning,
  queuesOfEvents,
  UNREACHED_EXCHANGE,
} from '../adapters/rabbitmq/names.ts';
import { refusalIn } from '../adapters/rabbitmq/refusal.ts';
import { missingIn, Topology } from '../adapters/rabbitmq/topology.ts';
import { PluginOff, TopologyClash } from '../adapters/rabbitmq/topology-clash.ts';
import type { AmqpAddress } from '../config/amqp-address.ts';
import { within } from '../resilience/timeout.ts';
import { driverReasonOf, Failure } from './failure.ts';
import { type Finding, isAtLeast } from './finding.ts';
import { connectTo, disconnect } from './send-amqp.ts';

const ALARM_MS = 3_000;

/** AMQP 0-9-1 reply code. */
const NOT_FOUND = 404;

export async function* examineRabbitMq(
  address: AmqpAddress,
  partitioning: Partitioning,
): AsyncGenerator<Finding> {
  let model: ChannelModel;
  try {
    model = await connectTo(address);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const change = 'start it, or correct AMQP_URL; user name and virtual host are part of it';
    yield { check: 'rabbitmq', verdict: 'wrong', found: error.message, change };
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
    yield await alarmsOf(model, address);
  } finally {
    // RabbitMQ does not read from a connection that it has blocked, so it would never answer a close either.
    await disconnect(model, ALARM_MS);
  }
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
    // Otherwise the check of the topology says what is missing.
    if (!declares) return undefined;
    const layout = await layoutIn(asking, partitioning);
    if (isConfigured(layout, partitioning)) return undefined;
    const found =
      layout === 'spreading' || layout === 'gathering'
        ? 'events are on the way from one number of partitions to another'
        : 'RabbitMQ has another number of partitions than PARTITIONS, or spreads them by something else';
    const change =
      'nothing, while consumers are restarted with another PARTITIONS: the last one with the old number must end';
    return { check, verdict: 'advice', found, change };
  } catch (error) {
    if (error instanceof PluginOff) return { check, verdict: 'wrong', found: error.message };
    return { check, verdict: 'advice', found: `they cannot be looked at: ${driverReasonOf(error)}` };
  } finally {
    asking.close();
  }
}

async function topologyOf(
  model: ChannelModel,
  address: AmqpAddress,
  partitioning: Partitioning,
): Promise<Finding> {
  const check = 'rabbitmq topology';
  const rights = 'give the user the rights in docs/rabbitmq-and-redis.md, Permissions';
  let missing: readonly string[];
  try {
    missing = await missingIn(model, partitioning, address.declares);
  } catch (error) {
    const found = `it cannot be looked at: ${driverReasonOf(error)}`;
    return { check, verdict: 'advice', found, change: rights };
  }
  if (missing.length > 0) {
    const change = address.declares
      ? 'start a Carillon process with this AMQP_URL: each declares all of it'
      : 'AMQP_DECLARE is false: import what carillon topology prints';
    return { check, verdict: 'wrong', found: `missing: ${missing.join(', ')}`, change };
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
    if (error instanceof TopologyClash) return { check, verdict: 'wrong', found: error.message };
    const reason = driverReasonOf(error);
    const refusal = error instanceof Error ? refusalIn(error, address)?.message : undefined;
    const found = refusal === undefined ? reason : `nothing is missing; more cannot be said: ${refusal}`;
    return { check, verdict: 'advice', found, change: rights };
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
    return [{ check: 'rabbitmq queues', verdict: 'advice', found }];
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

/** RabbitMQ informs only publishers that it is short of memory or disk. No queue is bound with this routing key. */
async function alarmsOf(model: ChannelModel, address: AmqpAddress): Promise<Finding> {
  const check = 'rabbitmq alarms';
  const channel = await model.createConfirmChannel();
  let refused: string | undefined;
  channel.on('error', (error: Error) => {
    refused = refusalIn(error, address)?.message;
  });
  const blocked = once(model, 'blocked').then(([reason]) => `it takes no messages: ${String(reason)}`);
  channel.publish(UNREACHED_EXCHANGE, `carillon.doctor.${randomUUID()}`, Buffer.alloc(0));
  const answer = Promise.race([blocked, channel.waitForConfirms().then(() => undefined)]);
  const late = () => `it did not answer within ${ALARM_MS} ms`;
  const found = await within(ALARM_MS, answer, late).catch(driverReasonOf);
  if (found === undefined) return { check, verdict: 'ok', found: 'it takes messages' };
  if (refused !== undefined) {
    const change = `it was not looked: give the user the right to write to exchange ${UNREACHED_EXCHANGE} (docs/rabbitmq-and-redis.md, Permissions), or see rabbitmqctl status`;
    return { check, verdict: 'advice', found: refused, change };
  }
  return { check, verdict: 'wrong', found, change: 'give it memory or disk: see rabbitmqctl status, alarms' };
}
