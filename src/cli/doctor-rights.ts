/**
 * The doctor's checks of what AMQP_URL's user may do in RabbitMQ, and whether RabbitMQ takes messages. Nothing is
 * published or consumed: RabbitMQ looks at the right first, and then refuses each question for a fault that is in it.
 */
import { once } from 'node:events';
import type { Channel, ChannelModel } from 'amqplib';
import {
  ACCESS_REFUSED,
  Asking,
  isCode,
  NOT_FOUND,
  PRECONDITION_FAILED,
  RESOURCE_LOCKED,
} from '../adapters/rabbitmq/asking.ts';
import {
  DEAD_LETTERS,
  DEAD_LETTERS_LOCK,
  DIRECT_EXCHANGE,
  EVENTS_EXCHANGE,
  type Partitioning,
  queuesOfEvents,
  SIGNALS_EXCHANGE,
  UNREACHED_EXCHANGE,
  UNREACHED_QUEUE,
} from '../adapters/rabbitmq/names.ts';
import { refusalIn } from '../adapters/rabbitmq/refusal.ts';
import type { AmqpAddress } from '../config/amqp-address.ts';
import { within } from '../resilience/timeout.ts';
import { driverReasonOf } from './failure.ts';
import type { Finding } from './finding.ts';

const ANSWER_MS = 3_000;

/** What decides which rights a process uses. The variables' own names, so that a Config is one. */
export interface Uses {
  readonly ROLES: readonly string[];
  readonly SIGNALS: readonly string[];
  readonly UNREACHED_AFTER: number;
}

interface Need {
  readonly kind: 'write' | 'read';
  readonly name: string;
  /** What does not work without it. */
  readonly purpose: string;
  /** Whether only operators miss it. */
  readonly isOperators?: boolean;
}

/** The first is used by each process. What declaring takes is the check of the topology's. */
function needsOf({ ROLES, SIGNALS, UNREACHED_AFTER }: Uses, partitioning: Partitioning): readonly Need[] {
  const isConsumer = ROLES.includes('consumer');
  const isChecking = UNREACHED_AFTER > 0;
  const needs: readonly (Need | false)[] = [
    { kind: 'write', name: EVENTS_EXCHANGE, purpose: 'events over HTTP and sockets, and canaries' },
    (SIGNALS.length > 0 || isChecking) && { kind: 'write', name: SIGNALS_EXCHANGE, purpose: 'signals' },
    isConsumer && { kind: 'write', name: DEAD_LETTERS, purpose: 'dead letters' },
    isChecking && { kind: 'write', name: UNREACHED_EXCHANGE, purpose: 'UNREACHED_AFTER' },
    partitioning.count > 1 && { kind: 'write', name: DIRECT_EXCHANGE, purpose: 'canaries of partitions' },
    ...queuesOfEvents(partitioning).map(
      (name) => isConsumer && ({ kind: 'read', name, purpose: 'taking events' } as const),
    ),
    isConsumer && isChecking && { kind: 'read', name: UNREACHED_QUEUE, purpose: 'UNREACHED_AFTER' },
    ...[DEAD_LETTERS, DEAD_LETTERS_LOCK].map(
      (name) => ({ kind: 'read', name, purpose: 'looking at dead letters', isOperators: true }) as const,
    ),
  ];
  return needs.filter((need) => need !== false);
}

/** Everything that is looked at is there, or the check of the topology says that it is not. */
export async function* examineRights(
  model: ChannelModel,
  address: AmqpAddress,
  partitioning: Partitioning,
  uses: Uses,
): AsyncGenerator<Finding> {
  const alarm = await alarmOf(model);
  yield alarm;
  // It reads nothing more from this connection.
  if (alarm.verdict === 'wrong') return;
  const asking = new Asking(model);
  const lacking: Finding[] = [];
  try {
    for (const need of needsOf(uses, partitioning)) {
      const refusal = await refusalOf(asking, need, address);
      if (refusal !== undefined) lacking.push(lackOf(need, refusal, address));
    }
    if (lacking.length > 0) yield* lacking;
    else
      yield {
        check: CHECK,
        verdict: 'ok',
        found: 'the user may write and read what this configuration uses',
      };
  } catch (error) {
    yield { check: CHECK, verdict: 'unknown', found: `they cannot be looked at: ${driverReasonOf(error)}` };
  } finally {
    asking.close();
  }
}

const CHECK = 'rabbitmq rights';

function lackOf({ purpose, isOperators = false }: Need, refusal: string, { username }: AmqpAddress): Finding {
  const user = username === '' ? '' : ` --user ${username}`;
  return {
    check: CHECK,
    verdict: isOperators ? 'advice' : 'wrong',
    found: `${refusal}: it is used for ${purpose}`,
    change: `run what carillon topology --permissions${user} prints for this AMQP_DECLARE`,
  };
}

/** Undefined when the user has the right, or when the right is for something that is not there. */
async function refusalOf(asking: Asking, need: Need, address: AmqpAddress): Promise<string | undefined> {
  const { kind, name } = need;
  try {
    await within(ANSWER_MS, asking.ask(kind === 'write' ? writeNothing(name) : readNothing(name)), () => {
      throw new Error(`no answer within ${ANSWER_MS} ms`);
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const refusal = refusalIn(error, address);
    if (refusal !== undefined) return refusal.message;
    // About the thing itself, or about the question: the right was looked at before.
    if (ANSWERS.some((code) => isCode(error, code))) return undefined;
    throw error;
  }
}

const ANSWERS = [ACCESS_REFUSED, NOT_FOUND, RESOURCE_LOCKED, PRECONDITION_FAILED];

/** No queue gets a message whose expiration is no number. */
function writeNothing(exchange: string) {
  return async (channel: Channel) => {
    const refused = once(channel, 'close');
    channel.publish(exchange, '', Buffer.alloc(0), { expiration: 'never' });
    // It fails with the error that closes the channel.
    await refused;
    throw new Error('the connection ended');
  };
}

/** Only a stream can be read from a place of its own. */
function readNothing(queue: string) {
  return async (channel: Channel) => {
    // With AMQP_DECLARE it is there only while somebody has it, and nobody else needs a right to it.
    if (queue === DEAD_LETTERS_LOCK) await channel.checkQueue(queue);
    await channel.consume(queue, () => {}, { arguments: { 'x-stream-offset': 'next' } });
  };
}

/**
 * RabbitMQ tells only publishers that it is short of memory or disk, and then reads nothing more from them. So what it
 * refuses is enough of a message, and no answer comes to the question after it.
 */
async function alarmOf(model: ChannelModel): Promise<Finding> {
  const check = 'rabbitmq alarms';
  const blocked = once(model, 'blocked').then(([reason]) => `it takes no messages: ${String(reason)}`);
  const asking = new Asking(model);
  const answered = async () => {
    try {
      await asking.ask(writeNothing(EVENTS_EXCHANGE));
    } catch (error) {
      // Whatever it refuses, also for want of the right. What fails otherwise is found at the next question.
      driverReasonOf(error);
    }
    await asking.ask(async () => {});
    return undefined;
  };
  const late = () => `it did not answer within ${ANSWER_MS} ms`;
  const found = await within(ANSWER_MS, Promise.race([blocked, answered()]), late).catch(driverReasonOf);
  if (found === undefined) return { check, verdict: 'ok', found: 'it takes messages' };
  return { check, verdict: 'wrong', found, change: 'give it memory or disk: see rabbitmqctl status, alarms' };
}
