/**
 * Traces, through OpenTelemetry's API: the spans of an event continue its producer's trace. Each span is given its
 * parent, so that no context needs to follow asynchronous calls. Without an SDK in the process nothing can be
 * recorded, and none of this runs.
 */
import {
  type Attributes,
  type Context,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { type Audience, audienceKind } from '../contract/audience.ts';
import type { Event } from '../contract/event.ts';
import { eventOfPacket } from '../contract/notification.ts';
import { formatTraceparent, parseTraceparent, type Traceparent } from '../contract/traceparent.ts';
import type { DeliveryObserver } from '../edge/gateway/delivery-observer.ts';
import type { EventLife } from '../pipeline/event-life.ts';
import type { EventObserver } from '../pipeline/event-observer.ts';
import type { LiveMessage } from '../pipeline/inbox/live-message.ts';
import type { Settlement } from '../pipeline/ingest/settlement.ts';

/** Names of messaging attributes in OpenTelemetry's semantic conventions. */
const SYSTEM = 'messaging.system';
const DESTINATION = 'messaging.destination.name';
const OPERATION = 'messaging.operation.type';
const MESSAGE_ID = 'messaging.message.id';
const EVENT_TYPE = 'cloudevents.event_type';
const ERROR_TYPE = 'error.type';

/** An event whose trace is recorded, from its receipt until it is settled. */
class EventTrace {
  readonly #tracer: Tracer;
  readonly #span: Span;
  #append: Span | undefined;

  constructor(tracer: Tracer, span: Span) {
    this.#tracer = tracer;
    this.#span = span;
  }

  /** Starts the span of the appends, and returns the `traceparent` for the notifications. */
  appending(audiences: readonly Audience[]): string {
    const attributes = {
      'carillon.audience.kind': [...new Set(audiences.map(audienceKind))],
      'carillon.audience.count': audiences.length,
    };
    const parent = trace.setSpan(ROOT_CONTEXT, this.#span);
    this.#append = this.#tracer.startSpan('carillon.inbox append', { attributes }, parent);
    const { traceId, spanId } = this.#append.spanContext();
    return formatTraceparent({ traceId, spanId, isSampled: true });
  }

  /** `refused`: the code of the dead letter, if the event became one. */
  settled(outcome: string, refused: string | undefined): void {
    this.#append?.end();
    this.#span.setAttribute('carillon.outcome', outcome);
    if (refused !== undefined) {
      this.#span.setAttribute(ERROR_TYPE, refused);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

export class Tracing implements EventObserver, DeliveryObserver {
  readonly #tracer: Tracer;
  readonly #lease: Attributes;
  /** Only of events that are recorded. */
  readonly #traces = new WeakMap<EventLife, EventTrace>();

  constructor(tracer: Tracer, system: string, queue: string) {
    this.#tracer = tracer;
    this.#lease = { [SYSTEM]: system, [DESTINATION]: queue, [OPERATION]: 'process' };
  }

  received(life: EventLife): void {
    const trace = life.event === undefined ? undefined : this.#begin(life.event);
    if (trace !== undefined) this.#traces.set(life, trace);
  }

  mapped(life: EventLife): void {
    const trace = this.#traces.get(life);
    if (trace !== undefined) life.traceparent = trace.appending(life.mapped.map(({ audience }) => audience));
  }

  settled(life: EventLife, settlement: Settlement): void {
    const refused = settlement.kind === 'dead-letter' ? settlement.refusal.code : undefined;
    this.#traces.get(life)?.settled(settlement.kind, refused);
  }

  /** Undefined when the producer or this process's sampler does not want the event recorded. */
  #begin({ id, type, traceparent }: Event): EventTrace | undefined {
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    if (parent !== undefined && !parent.isSampled) return undefined;
    const attributes = { ...this.#lease, [MESSAGE_ID]: id, [EVENT_TYPE]: type };
    const options = { kind: SpanKind.CONSUMER, attributes };
    const span = this.#tracer.startSpan(`${this.#lease[DESTINATION]} process`, options, contextOf(parent));
    return span.isRecording() ? new EventTrace(this.#tracer, span) : undefined;
  }

  passedOn(audience: Audience, { traced = false, packet }: LiveMessage, sockets: number): void {
    if (!traced) return;
    const event = eventOfPacket(packet.toString());
    const parent = parseTraceparent(event?.traceparent ?? '');
    if (event === undefined || parent === undefined) return;
    const attributes = {
      [OPERATION]: 'send',
      [MESSAGE_ID]: event.id,
      'carillon.audience.kind': audienceKind(audience),
      'carillon.sockets': sockets,
    };
    const options = { kind: SpanKind.PRODUCER, attributes };
    this.#tracer.startSpan('carillon.gateway deliver', options, contextOf(parent)).end();
  }
}

function contextOf(parent: Traceparent | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}

/** Undefined without an SDK. An SDK MUST be registered before this is called; `node --import` does that. */
export function openTracing(system: string, queue: string): Tracing | undefined {
  const provider = trace.getTracerProvider();
  if (provider instanceof ProxyTracerProvider && provider.getDelegateTracer('carillon') === undefined) {
    return undefined;
  }
  return new Tracing(provider.getTracer('carillon'), system, queue);
}
