/** What is said of a queue: what is known as it is, and of everything else a reason in place of a number. */
import { expect, test } from 'vitest';
import { queuesSchema } from '../../../src/contract/queues.ts';
import { type CanaryReading, type QueueFacts, reportQueue } from '../../../src/observe/queues-report.ts';

const NOW = '2026-11-28T02:30:00.000Z';
const CONTEXT = { node: 'gateway-1', nowMs: Date.parse(NOW), doCanariesOvertake: false };

const BACK = { roundTripMs: 4.26, agoMs: 2_000, takenBy: 'consumer-1' };
const WELL: CanaryReading = { back: BACK, awaitedForMs: undefined, failedLeg: undefined };
const PARTITION: QueueFacts = {
  queue: 'carillon.deliver.1',
  kind: 'partition',
  partition: 1,
  counts: { messages: 7, consumers: 1 },
  isTakenHere: false,
  canary: WELL,
};

/** As it is answered: the form is checked too. */
function reported(facts: QueueFacts, context = CONTEXT) {
  const { node, nowMs } = context;
  const answer = { node, mode: 'real', at: new Date(nowMs).toISOString(), countedAt: null, unknown: [] };
  const [report] = queuesSchema.parse({ ...answer, queues: [reportQueue(facts, context)] }).queues;
  if (report === undefined) throw new Error('no queue is told of');
  return report;
}

/** The codes by their field. */
const codesOf = (facts: QueueFacts, context = CONTEXT) =>
  reported(facts, context).unknown.map(({ field, code }) => `${field} ${code}`);

test('a partition of which all is known', () => {
  expect(reported(PARTITION)).toEqual({
    queue: 'carillon.deliver.1',
    kind: 'partition',
    partition: 1,
    ready: 7,
    consumers: 1,
    takenBy: { node: 'consumer-1', at: '2026-11-28T02:29:58.000Z' },
    lag: {
      ms: 4.3,
      roundTripMs: 4.3,
      cameBackAt: '2026-11-28T02:29:58.000Z',
      outSince: null,
      failedLeg: null,
    },
    unknown: [],
  });
});

test('the longer of the last round trip and the time since one left is how long an event waits', () => {
  const stuck: CanaryReading = { back: BACK, awaitedForMs: 64_210.44, failedLeg: 'consumer' };
  expect(reported({ ...PARTITION, canary: stuck })).toMatchObject({
    takenBy: { node: 'consumer-1' },
    lag: { ms: 64_210.4, roundTripMs: 4.3, outSince: '2026-11-28T02:28:55.789Z', failedLeg: 'consumer' },
  });
  const justSent: CanaryReading = { ...WELL, awaitedForMs: 0.5 };
  expect(reported({ ...PARTITION, canary: justSent }).lag?.ms).toBe(4.3);
  const first: CanaryReading = { back: undefined, awaitedForMs: 9_000, failedLeg: undefined };
  const report = reported({ ...PARTITION, canary: first });
  expect(report).toMatchObject({
    takenBy: null,
    lag: { ms: 9_000, roundTripMs: null, cameBackAt: null },
    unknown: [{ field: 'takenBy', code: 'canary_not_back' }],
  });
});

test('what this process takes it knows without canaries', () => {
  const here = { ...PARTITION, isTakenHere: true, canary: 'no_gateway' } as const;
  expect(reported(here).takenBy).toEqual({ node: 'gateway-1', at: NOW });
  expect(codesOf(here)).toEqual(['lag no_gateway']);
});

test.each<[string, Partial<QueueFacts>, readonly string[]]>([
  ['RabbitMQ is silent', { counts: 'not_answered' }, ['ready not_answered', 'consumers not_answered']],
  ['RabbitMQ refuses', { counts: 'not_allowed' }, ['ready not_allowed', 'consumers not_allowed']],
  [
    'there is no such queue',
    { counts: 'missing' },
    ['ready missing', 'consumers missing', 'takenBy missing', 'lag missing'],
  ],
  ['it is no gateway', { canary: 'no_gateway' }, ['takenBy no_gateway', 'lag no_gateway']],
  ['there are no canaries', { canary: 'canary_off' }, ['takenBy canary_off', 'lag canary_off']],
  [
    'none was sent yet',
    { canary: { back: undefined, awaitedForMs: undefined, failedLeg: undefined } },
    ['takenBy canary_not_back', 'lag canary_not_back'],
  ],
  [
    'the consumer is of an older version',
    { canary: { ...WELL, back: { roundTripMs: 4, agoMs: 1 } } },
    ['takenBy not_told'],
  ],
])('null and a code when %s', (_why, facts, codes) => {
  const report = reported({ ...PARTITION, ...facts });
  expect(codesOf({ ...PARTITION, ...facts })).toEqual(codes);
  const nulls = (['ready', 'consumers', 'takenBy', 'lag'] as const).filter((field) => report[field] === null);
  expect(report.unknown.map(({ field }) => field)).toEqual(nulls);
  expect(report.unknown.every(({ detail }) => detail.length > 0)).toBe(true);
});

test.each<[QueueFacts['kind'], number, boolean, string | undefined, string]>([
  ['dead_letters', 0, false, undefined, 'not_consumed'],
  ['unreached', 0, false, undefined, 'not_consumed'],
  ['unreached', 1, false, undefined, 'not_told'],
  ['unreached_delay', 0, false, undefined, 'not_consumed'],
  ['consumers', 2, false, undefined, 'not_consumed'],
  ['source', 0, false, undefined, 'not_consumed'],
  ['source', 2, false, undefined, 'not_told'],
  ['source', 2, true, 'gateway-1', 'others_unknown'],
])(
  'of a queue of the kind %s with %i consumers, taken here %s: %s, %s',
  (kind, consumers, isTakenHere, taker, code) => {
    const facts = { queue: 'q', kind, counts: { messages: 0, consumers }, isTakenHere };
    expect(codesOf(facts)).toEqual([`takenBy ${code}`, 'lag no_canary']);
    expect(reported(facts)).toMatchObject({ ready: 0, consumers });
    expect(reported(facts).takenBy?.node).toBe(taker);
  },
);

test('where canaries pass what waits, lag says that it is not how long that waits', () => {
  const overtaking = { ...CONTEXT, doCanariesOvertake: true };
  expect(codesOf(PARTITION, overtaking)).toEqual(['lag canary_overtakes']);
  expect(reported(PARTITION, overtaking).lag?.ms).toBe(4.3);
  expect(codesOf({ ...PARTITION, counts: { messages: 0, consumers: 1 } }, overtaking)).toEqual([]);
  expect(codesOf({ ...PARTITION, counts: 'not_answered' }, overtaking)).not.toContain('lag canary_overtakes');
});
