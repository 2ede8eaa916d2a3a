/** Traces: one from the producer's traceparent over the consumer to the gateway, and none where none is wanted. */
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, test } from 'vitest';
import type { Audience } from '../../../src/contract/audience.ts';
import type { Event } from '../../../src/contract/event.ts';
import type { Notification } from '../../../src/contract/notification.ts';
import { formatTraceparent, parseTraceparent } from '../../../src/contract/traceparent.ts';
import { openTracing, type Tracing } from '../../../src/observe/tracing.ts';
import { createDeliver } from '../../../src/pipeline/deliver.ts';
import { EventObservers } from '../../../src/pipeline/event-observer.ts';
import { AppendQueue } from '../../../src/pipeline/inbox/append-queue.ts';
import { decodeLiveMessage, type LiveMessage, packetOf } from '../../../src/pipeline/inbox/live-message.ts';
import { MemoryInbox } from '../../../src/pipeline/inbox/memory-inbox.ts';
import { EmbeddedQueue } from '../../../src/pipeline/ingest/embedded-queue.ts';
import { readMessage } from '../../../src/pipeline/ingest/message.ts';
import { Routing } from '../../../src/pipeline/routing/routing.ts';

afterEach(() => trace.disable());

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PRODUCER_SPAN = 'b7ad6b7169203331';
const SAMPLED = `00-${TRACE}-${PRODUCER_SPAN}-01`;
const UNSAMPLED = `00-${TRACE}-${PRODUCER_SPAN}-00`;

function record(sampler?: Sampler): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(exporter)],
      ...(sampler === undefined ? {} : { sampler }),
    }),
  );
  return exporter;
}

/** A consumer in this process. */
function stage(tracing: Tracing | undefined) {
  const forAll = (number: number) => ({ user: number, department: number, topic: number, global: number });
  const messages: (LiveMessage | undefined)[] = [];
  const publish = (_audience: Audience, bytes: Buffer) => messages.push(decodeLiveMessage(bytes));
  const limits = { maxLength: forAll(10), maxAgeMs: forAll(60_000), dedupeMs: 60_000 };
  const inbox = new MemoryInbox({ limits, publish, now: Date.now });
  const observers = new EventObservers(tracing === undefined ? [] : [tracing], (error) => {
    throw error;
  });
  const handle = createDeliver({
    appendQueue: new AppendQueue(inbox, () => {}),
    routing: new Routing([]),
    maxAudiences: 2,
    isSampled: () => false,
    observers,
  });
  const queue = new EmbeddedQueue({ handle, observers, onDeadLetter: () => {}, onFault: () => {} });
  const deliver = async (given: Event) => {
    await queue.publish(given);
    await queue.drain();
  };
  return { deliver, inbox, messages };
}

const event = (extra: Partial<Event> = {}): Event => ({
  specversion: '1.0',
  id: 'e1',
  source: '/users/ada',
  type: 'order.shipped',
  audience: ['user:ada'],
  data: { secret: 'of ada' },
  ...extra,
});

/** What is recorded of an event, and what its client gets. */
async function run(
  given: Event,
  sampler?: Sampler,
): Promise<{
  readonly spans: readonly ReadableSpan[];
  readonly notification: Notification | undefined;
  /** Whether gateways are told to record it. */
  readonly isFlagged: boolean | undefined;
}> {
  const exporter = record(sampler);
  const tracing = openTracing('rabbitmq', 'carillon.deliver');
  const { deliver, inbox, messages } = stage(tracing);
  await deliver(given);
  const [stored] = await inbox.read('user:ada', 1, 1);
  const notification: Notification | undefined = stored === undefined ? undefined : JSON.parse(stored.json);
  return { spans: exporter.getFinishedSpans(), notification, isFlagged: messages[0]?.traced };
}

test('one trace leads from the producer over the consumer and the append to the gateway', async () => {
  const exporter = record();
  const tracing = openTracing('rabbitmq', 'carillon.deliver');
  const { deliver, inbox, messages } = stage(tracing);
  await deliver(event({ traceparent: SAMPLED }));
  expect(messages).toMatchObject([{ traced: true }]);
  const [stored] = await inbox.read('user:ada', 1, 1);
  const packet = packetOf(stored?.json ?? '');
  const passedOn = { epoch: 'e', offset: 1, sampled: false, traced: true, packet };
  tracing?.passedOn('user:ada', passedOn, 3);
  // The producer's trace goes on only where the consumer has said so.
  tracing?.passedOn('user:ada', { ...passedOn, traced: false }, 3);

  const spans = new Map(exporter.getFinishedSpans().map((span) => [span.name, span]));
  const process = spans.get('carillon.deliver process');
  const append = spans.get('carillon.inbox append');
  const delivered = spans.get('carillon.gateway deliver');
  expect(spans.size).toBe(3);
  for (const span of spans.values()) expect(span.spanContext().traceId).toBe(TRACE);
  expect(process?.parentSpanContext?.spanId).toBe(PRODUCER_SPAN);
  expect(append?.parentSpanContext?.spanId).toBe(process?.spanContext().spanId);
  expect(delivered?.parentSpanContext?.spanId).toBe(append?.spanContext().spanId);
  expect(process?.kind).toBe(SpanKind.CONSUMER);
  expect(process?.attributes).toEqual({
    'messaging.system': 'rabbitmq',
    'messaging.destination.name': 'carillon.deliver',
    'messaging.operation.type': 'process',
    'messaging.message.id': 'e1',
    'cloudevents.event_type': 'order.shipped',
    'carillon.outcome': 'ack',
  });
  expect(append?.attributes).toEqual({ 'carillon.audience.kind': ['user'], 'carillon.audience.count': 1 });
  expect(delivered?.attributes).toMatchObject({ 'carillon.audience.kind': 'user', 'carillon.sockets': 3 });
  // Neither whom it is for nor what it says.
  const told = [...spans.values()].map(({ attributes, name }) => JSON.stringify({ attributes, name })).join();
  expect(told).not.toMatch(/ada|secret/);
});

test('the client goes on from the append', async () => {
  const { spans, notification } = await run(event({ traceparent: SAMPLED }));
  const append = spans.find(({ name }) => name === 'carillon.inbox append');
  expect(parseTraceparent(notification?.traceparent ?? '')).toEqual({
    traceId: TRACE,
    spanId: append?.spanContext().spanId,
    isSampled: true,
  });
});

test('an event without a trace begins one, and a malformed traceparent is none', async () => {
  for (const given of [event(), event({ traceparent: '00-nothing-01' })]) {
    const { spans, notification } = await run(given);
    trace.disable();
    expect(spans.map(({ name }) => name)).toEqual(['carillon.inbox append', 'carillon.deliver process']);
    expect(spans[1]?.parentSpanContext).toBeUndefined();
    expect(parseTraceparent(notification?.traceparent ?? '')?.traceId).toBe(spans[1]?.spanContext().traceId);
  }
});

test('nothing of a trace that is not sampled is recorded; it goes on as it came', async () => {
  const { spans, notification, isFlagged } = await run(event({ traceparent: UNSAMPLED }));
  expect([spans, isFlagged]).toEqual([[], false]);
  expect(notification?.traceparent).toBe(UNSAMPLED);
});

test('what the own sampler drops goes on as it came', async () => {
  const { spans, notification, isFlagged } = await run(
    event({ traceparent: SAMPLED }),
    new AlwaysOffSampler(),
  );
  expect([spans, isFlagged]).toEqual([[], false]);
  expect(notification?.traceparent).toBe(SAMPLED);
});

test('a dead letter is an error with its code', async () => {
  const { spans } = await run(event({ audience: ['user:a', 'user:b', 'user:c'], traceparent: SAMPLED }));
  expect(spans.map(({ name }) => name)).toEqual(['carillon.deliver process']);
  expect(spans[0]?.status.code).toBe(SpanStatusCode.ERROR);
  expect(spans[0]?.attributes).toMatchObject({
    'error.type': 'too_many_audiences',
    'carillon.outcome': 'dead-letter',
  });
});

test('without an SDK there is no tracing', () => {
  expect(openTracing('rabbitmq', 'carillon.deliver')).toBeUndefined();
});

test.each<[string, string | undefined, unknown, string | undefined]>([
  ['the event', SAMPLED, UNSAMPLED, SAMPLED],
  ["the message's header", undefined, SAMPLED, SAMPLED],
  ['nobody', undefined, undefined, undefined],
  ['nobody, when the header is malformed', undefined, '00-1-2-3', undefined],
  ['nobody, when the header is no text', undefined, { '!': 'timestamp', value: 1 }, undefined],
])('the trace is named by %s', (_by, attribute, header, expected) => {
  const body = Buffer.from(JSON.stringify(event(attribute === undefined ? {} : { traceparent: attribute })));
  const headers = header === undefined ? {} : { traceparent: header };
  const read = readMessage(body, { contentType: undefined, headers }, 10_000);
  expect(read.ok && read.value.event.traceparent).toBe(expected);
  expect(read.ok && read.value.envelope.traceparent).toBe(expected);
});

test.each<[string, boolean]>([
  [SAMPLED, true],
  [UNSAMPLED, true],
  [`01-${TRACE}-${PRODUCER_SPAN}-01-more`, true],
  [`ff-${TRACE}-${PRODUCER_SPAN}-01`, false],
  [`00-${'0'.repeat(32)}-${PRODUCER_SPAN}-01`, false],
  [`00-${TRACE}-${'0'.repeat(16)}-01`, false],
  [`00-${TRACE.toUpperCase()}-${PRODUCER_SPAN}-01`, false],
  [`00-${TRACE}-${PRODUCER_SPAN}`, false],
  ['', false],
])('%j is a traceparent: %j', (text, isOne) => {
  const parsed = parseTraceparent(text);
  expect(parsed !== undefined).toBe(isOne);
  if (parsed !== undefined && text.startsWith('00-')) expect(formatTraceparent(parsed)).toBe(text);
});
