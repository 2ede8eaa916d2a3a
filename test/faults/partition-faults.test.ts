/**
 * Events are spread over partitions while consumers are killed, and while the number of partitions changes: no event is
 * lost or twice, and events with the same key stay in order.
 */
import { type ConfirmChannel, connect } from 'amqplib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { type CarillonProcess, JWT_SECRET, startCarillon } from '../support/carillon.ts';
import { vhostOf } from '../support/rabbitmq.ts';
import { freshRedis, freshVhost, sharedManagement } from '../support/servers.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { until } from '../support/until.ts';
import { TRIED_ENVIRONMENT } from './fault-stack.ts';
import { KeyedFlow, keyOf } from './keyed-flow.ts';

/** Not Carillon's. */
const THEIRS = 'shop.events';
const BATCH_EVERY_MS = 50;
const TIMEOUT_MS = 60_000;

let amqpUrl: string;
let redisUrl: string;
let environment: Readonly<Record<string, string>>;
const consumers = new Set<CarillonProcess>();

beforeEach(async () => {
  [amqpUrl, redisUrl] = await Promise.all([freshVhost(), freshRedis()]);
  environment = {
    ...TRIED_ENVIRONMENT,
    JWT_SECRET,
    AMQP_URL: amqpUrl,
    REDIS_URL: redisUrl,
    ROLES: 'consumer',
    SOURCES_FILE: temporaryFile(
      'sources.yaml',
      `sources:\n  - exchange: ${THEIRS}\n    envelope: cloudevents\n`,
    ),
  };
});
afterEach(() => stopAll(...consumers));

async function startConsumer(partitions: number, by = 'key'): Promise<CarillonProcess> {
  const given = { PARTITIONS: String(partitions), PARTITION_BY: by };
  const consumer = await startCarillon({ ...environment, ...given });
  consumers.add(consumer);
  return consumer;
}

const queueNames = async () =>
  (await sharedManagement().queues(vhostOf(amqpUrl)))
    .map(({ name }) => name)
    .filter((name) => name.startsWith('carillon.deliver'))
    .toSorted();

/** How many partitions there are, and by what events are spread. */
async function partitioning(): Promise<readonly string[]> {
  const exchanges = await sharedManagement().get(`exchanges/${encodeURIComponent(vhostOf(amqpUrl))}`);
  const names = z.array(z.object({ name: z.string() })).parse(exchanges);
  return names.flatMap(({ name }) => (/^carillon\.partitions\.\d/.test(name) ? [name] : []));
}

async function untilConnected([consumer]: readonly CarillonProcess[]): Promise<void> {
  await until('the source to be connected', TIMEOUT_MS, async () => {
    const text = await (await fetch(`${consumer?.opsUrl}/metrics`)).text();
    return text.includes(`carillon_source_connected{source="exchange ${THEIRS}"} 1`);
  });
}

const ONE = ['carillon.deliver'];
const FOUR = [0, 1, 2, 3].map((partition) => `carillon.deliver.${partition}`);
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7].map((partition) => `carillon.deliver.${partition}`);

async function untilQueues(names: readonly string[]): Promise<void> {
  await until(`the queues ${names.join(', ')}`, TIMEOUT_MS, async () => {
    return (await queueNames()).join() === names.join();
  });
}

async function stopAll(...leaving: readonly CarillonProcess[]): Promise<void> {
  for (const consumer of leaving) {
    consumers.delete(consumer);
    await consumer.stop();
  }
}

/** Events of every other user come by way of another exchange. */
function startFlow(channel: ConfirmChannel): KeyedFlow {
  return new KeyedFlow({
    redisUrl,
    everyMs: BATCH_EVERY_MS,
    publish: async (events) => {
      for (const [i, event] of events.entries()) {
        const key = keyOf(event);
        channel.publish(
          i % 2 === 0 ? 'carillon.events' : THEIRS,
          `of.${key}`,
          Buffer.from(JSON.stringify(event)),
          {
            contentType: 'application/cloudevents+json',
            persistent: true,
            headers: { 'carillon-key': key },
          },
        );
      }
      await channel.waitForConfirms();
    },
  });
}

test('1, 4, 8 and 1 partitions under load, consumers killed', { timeout: 400_000 }, async () => {
  const model = await connect(amqpUrl);
  const channel = await model.createConfirmChannel();
  await channel.assertExchange(THEIRS, 'topic');
  const old = [await startConsumer(1), await startConsumer(1)];
  await untilConnected(old);
  const flow = startFlow(channel);
  await flow.untilTaken();

  const four = [await startConsumer(4), await startConsumer(4)];
  expect(await queueNames()).toEqual(ONE);
  await stopAll(...old);
  await untilQueues(FOUR);
  await flow.untilTaken();

  const killed = four[flow.published % four.length];
  killed?.signal('SIGKILL');
  await killed?.exited;
  if (killed !== undefined) consumers.delete(killed);
  await flow.untilTaken();

  const eight = [await startConsumer(8), await startConsumer(8)];
  await stopAll(...four);
  // On the way, whoever leads is killed.
  await until('gathering', TIMEOUT_MS, async () => (await queueNames()).includes('carillon.deliver'));
  eight[0]?.signal('SIGKILL');
  if (eight[0] !== undefined) consumers.delete(eight[0]);
  await untilQueues(EIGHT);
  await flow.untilTaken();

  const again = [await startConsumer(1), await startConsumer(1)];
  await stopAll(...eight.slice(1));
  await untilQueues(ONE);
  await flow.untilTaken();
  await flow.end();
  await model.close();
  expect(again).toHaveLength(2);
  await flow.expectFlawless();
  flow.close();
  console.log(`${flow.published} events through 1, 4, 8 and 1 partitions: none lost, twice or out of order`);
});

test('4 partitions by key, by routing key and by key again under load', { timeout: 400_000 }, async () => {
  const model = await connect(amqpUrl);
  const channel = await model.createConfirmChannel();
  await channel.assertExchange(THEIRS, 'topic');
  let old = [await startConsumer(4), await startConsumer(4)];
  await untilConnected(old);
  const flow = startFlow(channel);
  await flow.untilTaken();
  for (const by of ['routing-key', 'key']) {
    const next = [await startConsumer(4, by), await startConsumer(4, by)];
    await stopAll(...old);
    await until(`partitions by ${by}`, TIMEOUT_MS, async () => {
      return (await partitioning()).join() === `carillon.partitions.4.${by}`;
    });
    await untilQueues(FOUR);
    await flow.untilTaken();
    old = next;
  }
  await flow.end();
  await model.close();
  await flow.expectFlawless();
  flow.close();
  console.log(`${flow.published} events by key, by routing key and by key: none lost, twice or out of order`);
});
