/** Why somebody has a notification or not: each fate has its own verdict, and the steps say what led to it. */
import { expect, test } from 'vitest';
import { explanationSchema, type VerdictCode } from '../../../../src/contract/explanation.ts';
import type { Title } from '../../../../src/contract/title.ts';
import {
  type Copy,
  type DeviceFacts,
  explain,
  type Facts,
} from '../../../../src/observe/outcomes/explain.ts';

const AT = '2026-11-20T09:00:00.000Z';
const AT_MS = Date.parse(AT);
const later = (seconds: number) => new Date(AT_MS + seconds * 1000).toISOString();

const settled = { receivedAtMs: AT_MS, settledAtMs: AT_MS + 1_000, audiences: ['user:ada'], count: 1 };

const copy = (own: Partial<Copy> = {}): Copy => ({
  audience: 'user:ada',
  place: { offset: 7, route: undefined, gateways: 0 },
  entry: { epoch: 'e', appendedAtMs: AT_MS },
  incarnations: [
    { epoch: 'e', firstOffset: 5 },
    { epoch: 'd', firstOffset: 1 },
  ],
  isBeforeJoining: false,
  isSeen: false,
  isRead: false,
  isArchived: false,
  ...own,
});

const device = (offset: number, own: Partial<DeviceFacts> = {}): DeviceFacts => ({
  name: 'phone',
  node: 'n1',
  connectedAt: later(-10),
  audiences: { 'user:ada': { epoch: 'e', offset } },
  ...own,
});

const cursorAt = (offset: number, epoch = 'e') => ({ 'user:ada': { epoch, offset } });

const facts = (own: Partial<Facts> = {}): Facts => ({
  event: { source: '/s', id: 'x' },
  user: 'ada',
  nowMs: AT_MS + 60_000,
  settled,
  title: undefined,
  copies: [copy()],
  devices: [],
  waiting: { events: 0, consumers: 1, partitions: [] },
  stuck: undefined,
  ...own,
});

const deadLetter = { code: 'invalid_audience', message: 'no', path: 'audience[0]' };
const gone = { disconnectedAt: later(20) };

test.for<[string, Partial<Facts>, VerdictCode, RegExp]>([
  ['nothing is known', { settled: undefined, copies: [] }, 'unknown', /0 events waiting, 1 consumer$/],
  [
    'others wait',
    { settled: undefined, copies: [], waiting: { events: 3, consumers: 1, partitions: [] } },
    'waiting',
    /3 events wait/,
  ],
  [
    'nobody consumes',
    { settled: undefined, copies: [], waiting: { events: 0, consumers: 0, partitions: [] } },
    'waiting',
    /0 consumers/,
  ],
  [
    'nothing gets through',
    { settled: undefined, copies: [], stuck: 'consumer 2' },
    'waiting',
    /events do not get through \(consumer 2\)/,
  ],
  [
    'the partitions that matter are named',
    {
      settled: undefined,
      copies: [],
      waiting: {
        events: 7,
        consumers: 0,
        partitions: [
          { queue: 'carillon.deliver.0', messages: 0, consumers: 1 },
          { queue: 'carillon.deliver.1', messages: 7, consumers: 1 },
          { queue: 'carillon.deliver.2', messages: 0, consumers: 0 },
        ],
      },
    },
    'waiting',
    /7 events waiting in 3 partitions.*deliver\.1: 7 events waiting, with a c.*deliver\.2: 0 events waiting, without/s,
  ],
  [
    'it was taken from a partition',
    { settled: { ...settled, queue: 'carillon.deliver.2' } },
    'kept',
    /a consumer took it from carillon\.deliver\.2/,
  ],
  ['RabbitMQ is away', { settled: undefined, copies: [], waiting: undefined }, 'waiting', /cannot be asked/],
  [
    'it is a dead letter',
    { settled: { ...settled, audiences: [], count: 0, deadLetter }, copies: [] },
    'dead_letter',
    /invalid_audience \(audience\[0\]\): no/,
  ],
  [
    "it was for others'",
    { settled: { ...settled, audiences: ['user:bob'], count: 30 }, copies: [] },
    'not_an_audience',
    /for user:bob and 29 more/,
  ],
  [
    'it was for a topic',
    {
      settled: { ...settled, audiences: ['topic:t'] },
      copies: [copy({ audience: 'topic:t', place: { offset: 3, route: 'a.*', gateways: 2 } })],
    },
    'topic_only',
    /topic:t at offset 3 \(by the route a\.\*\); 2 nodes hosted it/,
  ],
  ['nobody came for it', {}, 'kept', /user:ada at offset 7 \(the event names it\); 0 nodes/],
  [
    'the device had another event at its place, which was lost',
    { devices: [device(9, { audiences: { 'user:ada': { epoch: 'd', offset: 9 } }, ...gone })] },
    'kept',
    /left at offset 9, before it/,
  ],
  [
    'the device left in a later epoch',
    {
      copies: [copy({ entry: { epoch: 'd', appendedAtMs: AT_MS } })],
      devices: [device(9, gone)],
    },
    'delivered',
    /was sent it/,
  ],
  [
    'the device entered in an earlier epoch, and is here',
    { devices: [device(4, { audiences: { 'user:ada': { epoch: 'd', offset: 4 } } })] },
    'delivered',
    /was connected and was sent it/,
  ],
  ['it is archived', { copies: [copy({ isRead: true, isArchived: true })] }, 'archived', /archived/],
  ['it is read', { copies: [copy({ isSeen: true, isRead: true })] }, 'read', /: read/],
  ['it is seen', { copies: [copy({ isSeen: true })] }, 'read', /: seen/],
  ['it was taken back', { copies: [copy({ retractedBy: 9 })] }, 'retracted', /taken back by offset 9/],
  ['it was replaced', { copies: [copy({ collapsedBy: 9 })] }, 'collapsed', /replaced by offset 9/],
  ['it was trimmed', { copies: [copy({ entry: undefined })] }, 'trimmed', /does not hold offset 7/],
  [
    'it expired',
    { copies: [copy({ entry: { epoch: 'e', appendedAtMs: AT_MS, expiresAtMs: AT_MS + 1_000 } })] },
    'expired',
    /its time is over/,
  ],
  ['it came before them', { copies: [copy({ isBeforeJoining: true })] }, 'before_joining', /first seen/],
  ['a device is connected', { devices: [device(6)] }, 'delivered', /was connected and was sent it/],
  [
    'a device came with a cursor',
    { devices: [device(7, { cursors: cursorAt(5) })] },
    'delivered',
    /behind its cursor/,
  ],
  [
    'a device had it',
    { devices: [device(9, { cursors: cursorAt(8) })] },
    'delivered',
    /said on connecting that it has offset 8/,
  ],
  [
    'a device came without a cursor',
    { devices: [device(7)] },
    'kept',
    /without a cursor: it reads the inbox/,
  ],
  [
    'a device came from another incarnation',
    { devices: [device(7, { cursors: cursorAt(9, 'old') })] },
    'kept',
    /without a cursor/,
  ],
  [
    'a device was there before the log',
    { devices: [device(0, { audiences: cursorAt(0, '0') })] },
    'delivered',
    /was connected and was sent it/,
  ],
  ['a device left behind it', { devices: [device(7, gone)] }, 'delivered', /was sent it/],
  ['a device left before it', { devices: [device(6, gone)] }, 'kept', /left at offset 6, before it/],
  [
    'a device was there only later',
    { devices: [device(8, { ...gone, connectedAt: later(10) })] },
    'kept',
    /connected later/,
  ],
  [
    'a device recovered it and left',
    { devices: [device(8, { ...gone, connectedAt: later(10), cursors: cursorAt(3) })] },
    'delivered',
    /was sent it/,
  ],
  [
    'a device was in other audiences',
    { devices: [device(0, { audiences: { global: { epoch: 'e', offset: 1 } } })] },
    'kept',
    /offset 7/,
  ],
  [
    'it expired after a device had it',
    { devices: [device(6)], nowMs: AT_MS + 99_000_000 },
    'delivered',
    /sent/,
  ],
])('%s', ([, own, verdict, detail]) => {
  const explanation = explanationSchema.parse(explain(facts(own)));
  expect(explanation.verdict).toBe(verdict);
  expect(explanation.steps.map((step) => step.detail).join('\n')).toMatch(detail);
  expect(explanation.message).not.toBe('');
});

test('of two copies the more telling decides, and both are shown', () => {
  const trimmed = copy({ audience: 'department:sales', entry: undefined });
  const { verdict, steps } = explain(facts({ copies: [trimmed, copy()] }));
  expect(verdict).toBe('kept');
  expect(steps.filter(({ what }) => what === 'appended')).toHaveLength(2);
});

const titled = (own: Partial<Title> = {}): Title => ({
  text: 'T',
  language: undefined,
  from: 'data',
  ...own,
});

test.for<[string, Partial<Facts>, object, string]>([
  [
    'a route, in a language',
    { title: titled({ from: 'route', language: 'zh' }), settled: { ...settled, titleRoute: 'order.*' } },
    { text: 'T', language: 'zh', from: 'route', route: 'order.*' },
    '"T" (zh), by the route order.*',
  ],
  [
    'a route, of which no outcome tells any more',
    { title: titled({ from: 'route' }), settled: undefined },
    { text: 'T', from: 'route' },
    '"T", by a route\'s display',
  ],
  ['the data', { title: titled() }, { text: 'T', from: 'data' }, '"T", from data.title'],
  [
    'the data that a source made',
    { title: titled(), settled: { ...settled, madeBy: 'queue crm', titleRoute: 'order.*' } },
    { text: 'T', from: 'data' },
    '"T", from data.title, as made by queue crm',
  ],
  [
    'nobody',
    { title: titled({ from: 'type' }) },
    { text: 'T', from: 'type' },
    '"T", the words of its type: neither a route nor data.title says more',
  ],
])('the title that is shown comes from %s', ([, own, title, detail]) => {
  const explanation = explanationSchema.parse(explain(facts(own)));
  expect(explanation.title).toEqual(title);
  expect(explanation.steps.filter(({ what }) => what === 'shown')).toEqual([{ what: 'shown', detail }]);
});

test('what no log holds has no title', () => {
  const { title, steps } = explain(facts());
  expect([title, steps.filter(({ what }) => what === 'shown')]).toEqual([undefined, []]);
});
