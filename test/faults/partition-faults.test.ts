/**
 * Events are spread over partitions while consumers are killed, and while the number of partitions changes: no event is
 * lost or twice, and events with the same key stay in order.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type ConfirmChannel, connect } from 'amqplib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { logKeyOf } from '../../src/adapters/redis/keys.ts';
import type { Audience } from '../../src/contract/audience.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import { vhostOf } from '../support/rabbitmq.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { freshVhost, sharedManagement } from '../support/servers.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { until } from '../support/until.ts';
import { TRIED_ENVIRONMENT } from './fault-stack.ts';

const USERS = Array.from({ length: 40 }, (_, i): Audience => `user:p${i}`);
const EVERYBODY: Audience = 'department:partitions';
/** Not Carillon's. */
const THEIRS = 'shop.events';
const BATCH_EVERY_MS = 50;
const TIMEOUT_MS = 60_000;

let redis: RedisServer;
let amqpUrl: string;
let environment: Readonly<Record<string, string>>;
const consumers = new Set<CarillonProcess>();

beforeAll(async () => {
  [redis, amqpUrl] = await Promise.all([startRedis({ persistent: true }), freshVhost()]);
  environment = {
    ...TRIED_ENVIRONMENT,
    JWT_SECRET,
    AMQP_URL: amqpUrl,
    REDIS_URL: redis.url,
    ROLES: 'consumer',
    SOURCES_FILE: temporaryFile(
      'sources.yaml',
      `sources:\n  - exchange: ${THEIRS}\n    envelope: cloudevents\n`,
    ),
  };
});
afterAll(async () => {
  await Promise.all([...consumers].map((consumer) => consumer.stop()));
  await redis.stop();
});

async function startConsumer(partitions: number): Promise<CarillonProcess> {
  const consumer = await startCarillon({ ...environment, PARTITIONS: String(partitions) });
  consumers.add(consumer);
  return consumer;
}

/**
 * Each batch has an event for each user, with the user as key, which goes to everybody too. Those of every other user come
 * by way of another exchange.
 */
class Flow {
  readonly checker = new Checker();
  published = 0;
  readonly #channel: ConfirmChannel;
  #isFlowing = true;
  readonly #flowing: Promise<void>;

  constructor(channel: ConfirmChannel) {
    this.#channel = channel;
    this.#flowing = this.#flow();
    this.#flowing.catch(() => {});
  }

  async end(): Promise<void> {
    this.#isFlowing = false;
    await this.#flowing;
  }

  async #flow(): Promise<void> {
    while (this.#isFlowing) {
      const next = pause(BATCH_EVERY_MS);
      for (const [i, user] of USERS.entries()) {
        const event = this.checker.next(user, { audience: [user, EVERYBODY] });
        this.#channel.publish(
          i % 2 === 0 ? 'carillon.events' : THEIRS,
          user,
          Buffer.from(JSON.stringify(event)),
          {
            contentType: 'application/cloudevents+json',
            persistent: true,
            headers: { 'carillon-key': user },
          },
        );
        this.published += 1;
      }
      await this.#channel.waitForConfirms();
      await next;
    }
  }
}

const queueNames = async () =>
  (await sharedManagement().queues(vhostOf(amqpUrl)))
    .map(({ name }) => name)
    .filter((name) => name.startsWith('carillon.deliver'))
    .toSorted();

const ONE = ['carillon.deliver'];
const FOUR = [0, 1, 2, 3].map((partition) => `carillon.deliver.${partition}`);
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7].map((partition) => `carillon.deliver.${partition}`);

async function untilQueues(names: readonly string[]): Promise<void> {
  await until(`the queues ${names.join(', ')}`, TIMEOUT_MS, async () => {
    return (await queueNames()).join() === names.join();
  });
}

async function untilTaken(flow: Flow): Promise<void> {
  const { published } = flow;
  const client = new Redis(redis.url);
  try {
    await until('the events so far to be taken', TIMEOUT_MS, async () => {
      return (await client.xlen(logKeyOf(EVERYBODY, 'log'))) >= published;
    });
  } finally {
    client.disconnect();
  }
}

async function stopAll(...leaving: readonly CarillonProcess[]): Promise<void> {
  for (const consumer of leaving) {
    consumers.delete(consumer);
    await consumer.stop();
  }
}

async function idsIn(client: Redis, audience: Audience): Promise<readonly string[]> {
  const entries = await client.xrange(logKeyOf(audience, 'log'), '-', '+');
  expect(entries.map(([id]) => id)).toEqual(entries.map((_, i) => `${i + 1}-0`));
  return entries.map(([, fields]) => {
    const { id }: { readonly id: string } = JSON.parse(fields[fields.indexOf('n') + 1] ?? '');
    return id;
  });
}

test('1, 4, 8 and 1 partitions under load, consumers killed', { timeout: 400_000 }, async () => {
  const model = await connect(amqpUrl);
  const channel = await model.createConfirmChannel();
  await channel.assertExchange(THEIRS, 'topic');
  const old = [await startConsumer(1), await startConsumer(1)];
  await until('the source to be connected', TIMEOUT_MS, async () => {
    const text = await (await fetch(`${old[0]?.opsUrl}/metrics`)).text();
    return text.includes(`carillon_source_connected{source="exchange ${THEIRS}"} 1`);
  });
  const flow = new Flow(channel);
  await untilTaken(flow);

  const four = [await startConsumer(4), await startConsumer(4)];
  expect(await queueNames()).toEqual(ONE);
  await stopAll(...old);
  await untilQueues(FOUR);
  await untilTaken(flow);

  const killed = four[flow.published % four.length];
  killed?.signal('SIGKILL');
  await killed?.exited;
  if (killed !== undefined) consumers.delete(killed);
  await untilTaken(flow);

  const eight = [await startConsumer(8), await startConsumer(8)];
  await stopAll(...four);
  // On the way, whoever leads is killed.
  await until('gathering', TIMEOUT_MS, async () => (await queueNames()).includes('carillon.deliver'));
  eight[0]?.signal('SIGKILL');
  if (eight[0] !== undefined) consumers.delete(eight[0]);
  await untilQueues(EIGHT);
  await untilTaken(flow);

  const again = [await startConsumer(1), await startConsumer(1)];
  await stopAll(...eight.slice(1));
  await untilQueues(ONE);
  await untilTaken(flow);
  await flow.end();
  await untilTaken(flow);
  await model.close();
  expect(again).toHaveLength(2);

  const client = new Redis(redis.url);
  const seen = await Promise.all(
    USERS.map(async (audience) => ({ audience, ids: await idsIn(client, audience) })),
  );
  expect(flow.checker.judge(seen)).toEqual(flawless(flow.published));
  const everybody = await idsIn(client, EVERYBODY);
  const byKey = USERS.map((audience) => ({
    audience,
    ids: everybody.filter((id) => id.startsWith(`${audience}#`)),
  }));
  expect(flow.checker.judge(byKey)).toEqual(flawless(flow.published));
  client.disconnect();
  console.log(`${flow.published} events through 1, 4, 8 and 1 partitions: none lost, twice or out of order`);
});
