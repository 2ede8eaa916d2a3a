/** After known traffic the metrics of a consumer and two gateways have exactly the known counts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, startCarillon, tokenFor } from '../../support/carillon.ts';
import { type ClientOptions, connectClient, refusalOf, type TestClient } from '../../support/client.ts';
import { madeEvent } from '../../support/producer.ts';
import { scrape, sumOf } from '../../support/scrape.ts';
import { type Stack, startStack } from '../../support/stack.ts';

const TIMEOUT_MS = 20_000;

let stack: Stack;
const clients: TestClient[] = [];

beforeAll(async () => {
  stack = await startStack({ SYNC_LIMIT: '5' });
});
afterAll(async () => {
  for (const client of clients) client.close();
  await stack.stop();
});

const gateway = (at: number): CarillonProcess => {
  const found = stack.gateways[at];
  if (found === undefined) throw new Error('no such gateway');
  return found;
};

async function connect(at: number, user: string, departments: string[] = [], options: ClientOptions = {}) {
  const client = connectClient(gateway(at).url, await tokenFor(user, { departments }), options);
  clients.push(client);
  await client.session();
  return client;
}

type Labels = Readonly<Record<string, string>>;

/** Polls: what is counted last is counted after the client has it. */
async function expectSums(process: CarillonProcess, sums: readonly [string, Labels, number | undefined][]) {
  await expect
    .poll(
      async () => {
        const series = await scrape(process);
        return sums.map(([name, labels]) => [name, labels, sumOf(series, name, labels)]);
      },
      { timeout: TIMEOUT_MS, interval: 200 },
    )
    .toEqual(sums);
}

const stamped = (atMs: number) => ({
  contentType: 'application/cloudevents+json',
  headers: { timestamp_in_ms: atMs },
});

const HOUR_MS = 3_600_000;

test('traffic that is known is counted exactly', async () => {
  const first = await connect(0, 'ada');
  const second = await connect(1, 'ada');
  const bob = await connect(0, 'bob', ['sales']);
  const stranger = connectClient(gateway(0).url, 'no token');
  clients.push(stranger);
  expect((await refusalOf(stranger)).data).toEqual({ code: 'unauthorized' });

  const toAda = Array.from({ length: 5 }, (_, i) => madeEvent(`a${i}`, { audience: 'user:ada' }));
  const toAll = Array.from({ length: 3 }, (_, i) => madeEvent(`g${i}`, { audience: 'global' }));
  await stack.producer.publish(...toAda, ...toAll);
  await stack.producer.publish(
    madeEvent('both', { audience: ['user:ada', 'department:sales'] }),
    madeEvent('a0', { audience: 'user:ada' }),
    madeEvent('nobody'),
    madeEvent('late', { audience: 'user:ada', expirytime: '2020-01-01T00:00:00Z' }),
  );
  await stack.producer.publishRaw(Buffer.from('{'), { contentType: 'application/cloudevents+json' });
  await first.received(9);
  await second.received(9);
  await bob.received(4);

  const authorization = `Bearer ${await tokenFor('a-service', { scope: 'events:write' })}`;
  for (let i = 0; i < 4; i += 1) {
    const response = await fetch(`${gateway(0).url}/v1/events`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(madeEvent(`h${i}`, { audience: 'user:carol' })),
    });
    expect(response.status).toBe(202);
  }

  await expectSums(stack.consumer, [
    ['carillon_events_total', { outcome: 'ack' }, 14],
    ['carillon_events_total', { outcome: 'dead-letter' }, 3],
    ['carillon_events_total', { outcome: 'release' }, 0],
    ['carillon_dead_letters_total', {}, 3],
    ['carillon_dead_letters_total', { reason: 'no_audience' }, 1],
    ['carillon_dead_letters_total', { reason: 'expired' }, 1],
    ['carillon_dead_letters_total', { reason: 'not_json' }, 1],
    ['carillon_appends_total', {}, 15],
    ['carillon_appends_total', { kind: 'user', result: 'new' }, 10],
    ['carillon_appends_total', { kind: 'user', result: 'repeat' }, 1],
    ['carillon_appends_total', { kind: 'department', result: 'new' }, 1],
    ['carillon_appends_total', { kind: 'global', result: 'new' }, 3],
    ['carillon_append_duration_seconds_count', { kind: 'user' }, 11],
    ['carillon_append_duration_seconds_count', { kind: 'global' }, 3],
    ['carillon_append_duration_seconds_bucket', { kind: 'user', le: '+Inf' }, 11],
    ['carillon_appends_held_total', {}, 0],
    ['messaging_process_duration_seconds_count', { messaging_destination_name: 'carillon.deliver' }, 17],
    ['carillon_consumer_active', {}, 1],
    ['carillon_consumer_events_in_hand', {}, 0],
    ['carillon_consumer_oldest_age_seconds', {}, 0],
    ['carillon_queue_messages', { queue: 'carillon.deliver' }, 0],
    ['carillon_queue_messages', { queue: 'carillon.dead' }, 3],
    ['carillon_queue_consumers', { queue: 'carillon.deliver' }, 1],
    ['carillon_queue_consumers', { queue: 'carillon.dead' }, 0],
    ['carillon_pending_bytes', {}, undefined],
    ['carillon_connected_sockets', {}, 0],
    ['carillon_ready', {}, 1],
  ]);
  await expectSums(gateway(0), [
    ['carillon_deliveries_total', { kind: 'user' }, 6],
    ['carillon_deliveries_total', { kind: 'department' }, 1],
    ['carillon_deliveries_total', { kind: 'global' }, 6],
    ['carillon_deliveries_total', { kind: 'topic' }, 0],
    ['carillon_delivery_duration_seconds_count', { kind: 'user' }, 6],
    ['carillon_delivery_duration_seconds_count', { kind: 'department' }, 1],
    ['carillon_delivery_duration_seconds_count', { kind: 'global' }, 3],
    ['carillon_delivery_duration_seconds_count', { kind: 'topic' }, 0],
    ['carillon_connections_total', { outcome: 'accepted' }, 2],
    ['carillon_connections_total', { outcome: 'refused' }, 1],
    ['carillon_connections_total', { outcome: 'refused', code: 'unauthorized' }, 1],
    ['carillon_connections_total', { outcome: 'closed' }, 0],
    ['carillon_connected_sockets', {}, 2],
    ['carillon_pending_bytes', {}, 0],
    ['carillon_pending_bytes_largest', {}, 0],
    ['carillon_feed_heals_total', {}, 0],
    ['messaging_client_operation_duration_seconds_count', { error_type: '' }, 4],
    ['messaging_client_operation_duration_seconds_count', { error_type: 'broker_unavailable' }, 0],
    ['carillon_events_total', {}, 0],
    ['carillon_consumer_active', {}, undefined],
    ['carillon_queue_messages', { queue: 'carillon.dead' }, 3],
    ['carillon_queue_consumers', { queue: 'carillon.deliver' }, 1],
  ]);
  await expectSums(gateway(1), [
    ['carillon_deliveries_total', { kind: 'user' }, 6],
    ['carillon_deliveries_total', { kind: 'global' }, 3],
    ['carillon_delivery_duration_seconds_count', { kind: 'department' }, 0],
    ['carillon_connections_total', { outcome: 'accepted' }, 1],
    ['messaging_client_operation_duration_seconds_count', {}, 0],
  ]);

  first.close();
  await expectSums(gateway(0), [
    ['carillon_connections_total', { outcome: 'closed', code: '' }, 1],
    ['carillon_connected_sockets', {}, 1],
  ]);
});

test('the parts that dashboards and alerts name are those of readiness', async () => {
  const partsOf = async (process: CarillonProcess) =>
    (await scrape(process))
      .filter(({ name, value }) => name === 'carillon_part_up' && value === 1)
      .map(({ labels }) => labels.part);
  expect(await partsOf(stack.consumer)).toEqual(
    expect.arrayContaining(['redis', 'redis_subscriptions', 'rabbitmq', 'consumer']),
  );
  expect(await partsOf(gateway(0))).toEqual(
    expect.arrayContaining(['redis', 'redis_subscriptions', 'rabbitmq']),
  );
});

test('a consumer that waits to take over is none that is active', async () => {
  const standby = await startCarillon({ ...stack.environment, ROLES: 'consumer' });
  try {
    await stack.producer.publish(madeEvent('s1', { audience: 'user:grace' }));
    await expectSums(standby, [
      ['carillon_queue_consumers', { queue: 'carillon.deliver' }, 1],
      ['carillon_part_up', { part: 'consumer' }, 1],
      ['carillon_consumer_active', {}, 0],
      ['carillon_events_total', {}, 0],
    ]);
    await expectSums(stack.consumer, [
      ['carillon_consumer_active', {}, 1],
      ['carillon_events_total', { outcome: 'ack' }, 15],
    ]);
    await stack.consumer.stop();
    await stack.producer.publish(madeEvent('s2', { audience: 'user:grace' }));
    await expectSums(standby, [
      ['carillon_queue_consumers', { queue: 'carillon.deliver' }, 1],
      ['carillon_consumer_active', {}, 1],
      ['carillon_events_total', { outcome: 'ack' }, 1],
    ]);
  } finally {
    await standby.stop();
    await stack.restartConsumer();
  }
});

test('what clients come back with is counted by what could be made of it', async () => {
  const audience = 'user:dora';
  const before = await connect(1, 'dora');
  await stack.producer.publish(...Array.from({ length: 8 }, (_, i) => madeEvent(`d${i}`, { audience })));
  // What the gateway has passed on is what it takes the log's head for.
  await before.received(8);
  const { epoch } = (await (await connect(1, 'dora')).session()).audiences[audience] ?? {};
  before.close();
  for (const offset of [8, 6, 4, 0, 99]) {
    await connect(1, 'dora', [], { auth: { cursors: { [audience]: { epoch, offset } } } });
  }
  await expectSums(gateway(1), [
    ['carillon_recoveries_total', { result: 'current' }, 1],
    ['carillon_recoveries_total', { result: 'recovered' }, 2],
    ['carillon_recoveries_total', { result: 'too_many' }, 1],
    ['carillon_recoveries_total', { result: 'lost' }, 1],
    ['carillon_recovered_notifications_total', {}, 2 + 4],
  ]);
});

describe('an event that was published a minute ago', () => {
  test('takes that long to its sockets: by the header rather than by its time', async () => {
    const eve = await connect(1, 'eve', ['slow']);
    const count = async (le: string) =>
      sumOf(await scrape(gateway(1)), 'carillon_delivery_duration_seconds_bucket', {
        kind: 'department',
        le,
      });
    const audience = 'department:slow';
    const long = new Date(Date.now() - HOUR_MS).toISOString();
    const bytes = (id: string) => Buffer.from(JSON.stringify(madeEvent(id, { audience, time: long })));
    await stack.producer.publishRaw(bytes('m1'), stamped(Date.now() - 61_000));
    await stack.producer.publishRaw(bytes('m2'), stamped(Date.now() + HOUR_MS));
    await stack.producer.publish(madeEvent('m3', { audience, time: long }), madeEvent('m4', { audience }));
    await eve.received(4);
    await expect.poll(() => count('+Inf')).toBe(4);
    expect(await count('60')).toBe(2);
    expect(await count('300')).toBe(3);
  });

  test('is the oldest in hand while Redis is away, and everything says so', async () => {
    await stack.redis.stop();
    const event = madeEvent('held', { audience: 'user:frank' });
    await stack.producer.publishRaw(Buffer.from(JSON.stringify(event)), stamped(Date.now() - 61_000));
    await expectSums(stack.consumer, [
      ['carillon_part_up', { part: 'redis' }, 0],
      ['carillon_part_up', { part: 'rabbitmq' }, 1],
      ['carillon_ready', {}, 0],
    ]);
    const held = async (name: string) => sumOf(await scrape(stack.consumer), name);
    // Canaries of the gateways may be in hand, too.
    await expect.poll(() => held('carillon_consumer_events_in_hand')).toBeGreaterThan(0);
    await expect.poll(() => held('carillon_appends_held_total')).toBeGreaterThan(0);
    const age = () => held('carillon_consumer_oldest_age_seconds');
    await expect.poll(age).toBeGreaterThanOrEqual(60);
    expect(await age()).toBeLessThan(600);
  });
});
