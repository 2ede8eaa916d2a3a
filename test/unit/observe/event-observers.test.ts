/** What outcomes, the log and metrics make of an event's life. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Audience } from '../../../src/contract/audience.ts';
import { CANARY_TYPE, type Event } from '../../../src/contract/event.ts';
import { logSampledEvents } from '../../../src/observe/event-log.ts';
import { observeWithMetrics } from '../../../src/observe/event-metrics.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { AUDIENCES_KEPT } from '../../../src/observe/outcomes/outcomes.ts';
import { keepOutcomes } from '../../../src/observe/outcomes/outcomes-observer.ts';
import { EventLife } from '../../../src/pipeline/event-life.ts';
import { ACK, RELEASE, type Settlement } from '../../../src/pipeline/ingest/settlement.ts';

const DEAD = {
  kind: 'dead-letter',
  refusal: { code: 'expired', message: 'too late', path: 'expirytime' },
} as const;
const APPENDED = { epoch: 'e', offset: 7, repeat: false, gateways: 1 };

const event: Event = { specversion: '1.0', id: 'e1', source: '/orders', type: 'order.shipped' };

function lifeOf(given: Event | undefined, audiences = 0): EventLife {
  const life = new EventLife(given, given ?? { source: '', id: '', type: '' }, 1_000);
  life.mapped = Array.from({ length: audiences }, (_, i): { audience: Audience } => ({
    audience: `user:${i}`,
  }));
  return life;
}

function outcomesOf(life: EventLife, settlement: Settlement) {
  const kept: unknown[] = [];
  const record = (...outcome: readonly unknown[]) => void kept.push(outcome);
  keepOutcomes({ record }, () => 2_000).settled?.(life, settlement);
  return kept;
}

test('an outcome is when, for whom and why not; of many audiences the first', () => {
  const times = { receivedAtMs: 1_000, settledAtMs: 2_000 };
  expect(outcomesOf(lifeOf(event, 2), ACK)).toEqual([
    [event, { ...times, audiences: ['user:0', 'user:1'], count: 2 }],
  ]);
  expect(outcomesOf(lifeOf(event), DEAD)).toEqual([
    [event, { ...times, audiences: [], count: 0, deadLetter: DEAD.refusal }],
  ]);
  const many = outcomesOf(lifeOf(event, 50), ACK);
  expect(many).toMatchObject([[event, { count: 50, audiences: { length: AUDIENCES_KEPT } }]]);
});

test.each<[string, Event | undefined, Settlement]>([
  ['what comes again', event, RELEASE],
  ['a message that is no event', undefined, DEAD],
  ['a canary', { ...event, type: CANARY_TYPE }, DEAD],
])('no outcome is kept of %s', (_what, given, settlement) => {
  expect(outcomesOf(lifeOf(given), settlement)).toEqual([]);
});

test('the log has appends of sampled events alone', () => {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line) => void lines.push(line) });
  const observer = logSampledEvents(log);
  const life = lifeOf(event);
  observer.appended?.(life, 'user:ada', APPENDED);
  expect(lines).toEqual([]);
  life.isSampled = true;
  observer.appended?.(life, 'user:ada', APPENDED);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { msg: 'appended', event: { id: 'e1' }, audience: 'user:ada', ...APPENDED },
  ]);
});

test.each([true, false])(
  'processing is measured where RabbitMQ brings the events: %s',
  async (isMeasured) => {
    const metrics = new Metrics({ node: 'n', version: '1', roles: 'consumer' });
    const observer = observeWithMetrics(metrics, isMeasured);
    const life = lifeOf(event);
    observer.appended?.(life, 'user:ada', APPENDED);
    for (const settlement of [ACK, RELEASE, DEAD]) observer.settled?.(life, settlement);
    const { text } = await metrics.expose();
    expect(text).toContain('carillon_appends_total{kind="user",result="new"} 1\n');
    for (const outcome of ['ack', 'release', 'dead-letter'])
      expect(text).toContain(`carillon_events_total{outcome="${outcome}"} 1\n`);
    expect(text).toContain('carillon_dead_letters_total{reason="expired"} 1\n');
    const [, count] = /^messaging_process_duration_seconds_count\S* (\d+)/m.exec(text) ?? [];
    expect(count).toBe(isMeasured ? '3' : '0');
  },
);
