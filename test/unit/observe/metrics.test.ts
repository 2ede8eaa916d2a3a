/** The registry: what docs/observability.md says of it is what it has, and its labels do not grow with users. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Metrics } from '../../../src/observe/metrics.ts';
import { parseExposition } from '../../support/scrape.ts';

const INFO = { node: 'a-1', version: '1.2.3', roles: 'gateway,consumer' };

/** Labels whose values are few: each was looked at. One of users, sessions, addresses, topics or types of events has no place here. */
const LABELS = [
  'code',
  'error_type',
  'field',
  'file',
  'kind',
  'leg',
  'limit',
  'messaging_destination_name',
  'messaging_operation_name',
  'messaging_system',
  'node',
  'outcome',
  'part',
  'queue',
  'reason',
  'result',
  'roles',
  // One for each source in SOURCES_FILE.
  'source',
  'type',
  'version',
];

const documented = readFileSync('docs/observability.md', 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, name, labels = ''] =
      /^\| `((?:carillon|messaging)_\w+)` \| ([^|]*) \| \S[^|]*\? ?[^|]* \|$/.exec(line) ?? [];
    return name === undefined
      ? []
      : [{ name, labels: Array.from(labels.matchAll(/`(\w+)`/g), ([, label]) => label) }];
  });

test('each metric is documented with its labels and a question, and nothing else is', () => {
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  const registered = new Metrics(INFO).families.map(({ name, labelNames }) => ({ name, labels: labelNames }));
  expect(documented.toSorted(byName)).toEqual(registered.toSorted(byName));
});

test('labels are those that were looked at', () => {
  const used = new Set(new Metrics(INFO).families.flatMap(({ labelNames }) => labelNames));
  expect([...used].toSorted()).toEqual(LABELS);
});

test('whatever clients and producers do, there are no more series than before', async () => {
  const metrics = new Metrics(INFO);
  const series = async () =>
    parseExposition((await metrics.expose()).text).filter(({ name }) => /^(carillon|messaging)_/.test(name));
  const before = (await series()).length;
  for (let i = 0; i < 500; i += 1) {
    metrics.connection('accepted', '');
    metrics.connection('refused', `user ${i}`);
    metrics.delivered('user', i, i, i);
  }
  // One for `other`.
  expect(await series()).toHaveLength(before + 1);
});

test('what an alert must not miss is there before it happens', async () => {
  const { text } = await new Metrics(INFO).expose();
  for (const sample of [
    'carillon_appends_held_total 0',
    'carillon_dead_letters_total{reason="no_audience"} 0',
    'carillon_connections_total{outcome="refused",code="origin"} 0',
    'carillon_connections_total{outcome="closed",code="slow_consumer"} 0',
    'carillon_recoveries_total{result="lost"} 0',
    'carillon_delivery_duration_seconds_count{kind="user"} 0',
    'carillon_node_info{node="a-1",version="1.2.3",roles="gateway,consumer"} 1',
  ]) {
    expect(text.split('\n')).toContain(sample);
  }
});

test('what the parts tell, and what a part that is not there does not', async () => {
  const metrics = new Metrics(INFO);
  expect((await metrics.expose()).text).not.toMatch(
    /^carillon_(ready|part_up|queue_\w+|consumer_\w+|pending_bytes)\b/m,
  );
  metrics.watch({
    health: () => ({
      status: 'not_ready',
      parts: { redis: { ok: false, reason: 'end' }, rabbitmq: { ok: true } },
    }),
    queues: async () => [{ queue: 'carillon.deliver', messages: 7, consumers: 2 }],
  });
  metrics.watch({ pendingBytes: () => ({ sum: 30, largest: 20, memory: 25 }) });
  metrics.watch({
    consumer: () => ({
      isActive: true,
      queues: [{ queue: 'carillon.deliver', isActive: true }],
      inHand: 3,
      oldestAgeMs: 1_500,
    }),
  });
  const { text } = await metrics.expose();
  for (const sample of [
    'carillon_ready 0',
    'carillon_part_up{part="redis"} 0',
    'carillon_part_up{part="rabbitmq"} 1',
    'carillon_queue_messages{queue="carillon.deliver"} 7',
    'carillon_queue_consumers{queue="carillon.deliver"} 2',
    'carillon_pending_bytes 30',
    'carillon_pending_bytes_largest 20',
    'carillon_consumer_active 1',
    'carillon_consumer_events_in_hand 3',
    'carillon_consumer_oldest_age_seconds 1.5',
  ]) {
    expect(text.split('\n')).toContain(sample);
  }
});
