/**
 * `POST /v1/events`: takes one CloudEvent or a batch, and accepts it once RabbitMQ has confirmed all of it. A batch
 * is read and published in slices, so that other requests are answered in between.
 */
import { setImmediate as nextFeeds } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isOwn } from '../../contract/audience.ts';
import {
  isExpired,
  type ReadEvent,
  readBinary,
  readStructured,
  readWritten,
  STRUCTURED_TYPE,
  textOfEvent,
  withTraceparent,
} from '../../contract/cloudevent.ts';
import { CANARY_TYPE, type Event, eventSchema } from '../../contract/event.ts';
import { parseJsonText } from '../../contract/json.ts';
import { elementTexts } from '../../contract/json-text.ts';
import { type Problem, problem, refusalProblem } from '../../contract/problem.ts';
import { type Read, type Refusal, refusalCodeSchema, refuse } from '../../contract/refusal.ts';
import { type Identity, matchesAny, type Verify } from '../../contract/token.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';
import type { EventQuota } from '../limits/request-limits.ts';
import type { AdminCall } from './admin-calls.ts';
import { admission, type BearerCheck, SCOPE_CODES } from './bearer.ts';
import { problemResponses, sendProblem } from './problems.ts';

const BATCH_TYPE = 'application/cloudevents-batch+json';

/** Events of a batch that are read at a time, and published at a time. */
const [READ_SLICE, PUBLISH_SLICE] = [100, 500];

/** A refused body was read too: it counts as one event for each part of this size that it begins. */
const REFUSED_BYTES_PER_EVENT = 4_096;

export interface EventsOptions {
  readonly verify: Verify;
  readonly maxBytes: number;
  readonly quota: EventQuota;
  /** Resolves once the queue has confirmed the event; rejects when the queue may not have it. */
  readonly publish: (read: ReadEvent) => Promise<void>;
  /** The clock that the consumer goes by too. */
  readonly now: () => number;
  /** The number of audiences, or the consumer's refusal, if this process has routes; otherwise 1. */
  readonly appendsOf: (read: ReadEvent) => Read<number>;
}

const acceptedSchema = z.object({
  accepted: z.int().positive().describe('How many events RabbitMQ has confirmed.'),
});

/** Where events may be published, and by whom. */
export interface EventsPlace {
  readonly path: string;
  readonly admission: BearerCheck;
  /** Leaves the route out of the documentation. */
  readonly hide: boolean;
  /** Set where operators publish. @default it is no call by an operator */
  readonly adminCall?: AdminCall;
  /** Gets the events of a request before they are published. @default nobody */
  readonly onRead?: (request: FastifyRequest, events: readonly ReadEvent[]) => void;
}

export function serveEvents(
  app: FastifyInstance,
  options: EventsOptions,
  place: EventsPlace = {
    path: '/v1/events',
    admission: admission(options.verify, 'events:write'),
    hide: false,
  },
): void {
  app.register(async (scope) => {
    takeBytes(scope);
    const { admit, identityOf } = place.admission;
    // Checked before the body is read, too.
    const refuseSpent = async (request: FastifyRequest, reply: FastifyReply) => {
      const waitMs = await options.quota.spent(identityOf(request).user);
      return waitMs === undefined ? undefined : rateLimited(reply, waitMs);
    };
    scope.post(
      place.path,
      {
        onRequest: [admit, refuseSpent],
        ...(place.adminCall === undefined ? {} : { config: { adminCall: place.adminCall } }),
        validatorCompiler: () => (body) => ({ value: body }),
        schema: {
          hide: place.hide,
          tags: ['events'],
          summary: 'Publish one CloudEvent, or a batch.',
          description:
            'Structured mode (application/cloudevents+json or application/json), binary mode (ce- headers, the body is the data: a JSON object, or bytes of any other content type) or a batch. Needs the scope events:write. 202 means that RabbitMQ has confirmed every event. The same events may be sent again: a repeat is delivered once. An event counts once for each of its audiences; 429 means that nothing was taken.',
          security: [{ bearer: [] }],
          consumes: [STRUCTURED_TYPE, 'application/json', BATCH_TYPE],
          body: z.union([eventSchema, z.array(eventSchema).min(1)]),
          response: {
            202: acceptedSchema,
            ...problemResponses(
              ...SCOPE_CODES,
              ...refusalCodeSchema.exclude(['invalid_headers']).options,
              'rate_limited',
              'broker_unavailable',
            ),
          },
        },
      },
      (request, reply) => accept(request, reply, identityOf(request), { ...options, onRead: place.onRead }),
    );
  });
}

/** Takes bodies as bytes: the code that reads AMQP messages reads them. */
export function takeBytes(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

async function accept(
  request: FastifyRequest,
  reply: FastifyReply,
  publisher: Identity,
  options: EventsOptions & { readonly onRead: EventsPlace['onRead'] },
) {
  const read = await readEvents(request, options);
  if (!read.ok) {
    await options.quota.take(publisher.user, costOfRefused(request, read.count));
    return sendProblem(reply, read.problem);
  }
  const { events, appends } = read;
  options.onRead?.(request, events);
  const foreign = events.flatMap(({ event }) => foreignTo(publisher, event))[0];
  if (foreign !== undefined) {
    await options.quota.take(publisher.user, costOfRefused(request, events.length));
    return sendProblem(reply, problem('forbidden', 403, foreign));
  }
  const waitMs = await options.quota.take(publisher.user, appends);
  if (waitMs !== undefined) return rateLimited(reply, waitMs);
  try {
    for (let i = 0; i < events.length; i += PUBLISH_SLICE) {
      await Promise.all(events.slice(i, i + PUBLISH_SLICE).map(options.publish));
    }
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const { source, id } = events[0]?.event ?? {};
    request.log.warn({ reason: reasonOf(error), source, id, events: events.length }, 'event not confirmed');
    return sendProblem(
      reply,
      problem('broker_unavailable', 503, 'RabbitMQ did not confirm the event; send it again'),
    );
  }
  return reply.code(202).send({ accepted: events.length });
}

function rateLimited(reply: FastifyReply, waitMs: number) {
  reply.header('retry-after', String(Math.ceil(waitMs / 1_000)));
  const why = 'more in a second than this user may publish; none was taken';
  return sendProblem(reply, problem('rate_limited', 429, why));
}

function costOfRefused({ body }: FastifyRequest, events: number): number {
  const bytes = Buffer.isBuffer(body) ? body.length : 0;
  return Math.max(1, events, Math.ceil(bytes / REFUSED_BYTES_PER_EVENT));
}

/** `appends`: of all events together. `count`: how many were read before one was refused. */
type ReadEvents =
  | { readonly ok: true; readonly events: readonly ReadEvent[]; readonly appends: number }
  | { readonly ok: false; readonly problem: Problem; readonly count: number };

/** Reads the events of a request, or returns what is wrong with the first bad one. */
export async function readEvents(
  request: FastifyRequest,
  options: Pick<EventsOptions, 'maxBytes' | 'appendsOf' | 'now'>,
): Promise<ReadEvents> {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const { traceparent } = request.headers;
  const readers = readersOf(request, body, options.maxBytes);
  const events: ReadEvent[] = [];
  let appends = 0;
  for (const [i, reader] of readers.entries()) {
    if (i > 0 && i % READ_SLICE === 0) await nextFeeds();
    const found = reader();
    const read = found.ok ? { ...found, value: withTraceparent(found.value, traceparent) } : found;
    const counted = read.ok ? countedAtOnce(read.value, options) : read;
    if (!counted.ok) {
      const index = readers.length > 1 ? i : undefined;
      return { ok: false, problem: refusalProblem(counted.refusal, index), count: i + 1 };
    }
    if (read.ok) events.push(read.value);
    appends += counted.value;
  }
  return { ok: true, events, appends };
}

/** Reads one event of a body. */
type Reader = () => Read<ReadEvent>;

function readersOf(request: FastifyRequest, body: Buffer, maxBytes: number): readonly Reader[] {
  const contentType = request.headers['content-type'];
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase();
  return mediaType === BATCH_TYPE ? readersOfBatch(body) : [() => readOne(request, body, maxBytes)];
}

function readOne(request: FastifyRequest, body: Buffer, maxBytes: number): Read<ReadEvent> {
  const contentType = request.headers['content-type'];
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase();
  if (body.length > maxBytes) return tooLarge(body.length, maxBytes);
  const attributes = Object.entries(request.headers).filter(([name]) => name.startsWith('ce-'));
  if (attributes.length > 0) {
    // curl's default content type. The sender did not mean a form.
    if (mediaType === 'application/x-www-form-urlencoded') {
      return refuse('unsupported_media_type', "name the data's type: a form is no notification");
    }
    const named = attributes.map(([name, value]) => [name.slice('ce-'.length), decodeHeader(value)]);
    return readBinary(Object.fromEntries(named), contentType, body);
  }
  if (mediaType === STRUCTURED_TYPE || mediaType === 'application/json') return readStructured(body);
  return refuse(
    'unsupported_media_type',
    `send ${STRUCTURED_TYPE}, ${BATCH_TYPE}, or binary mode with ce- headers`,
  );
}

function readersOfBatch(body: Buffer): readonly Reader[] {
  // Two levels: the array and the event.
  const parsed = parseJsonText(body, 2);
  if (!parsed.ok) return [() => parsed];
  const { value, text } = parsed.value;
  if (!Array.isArray(value) || value.length === 0) {
    return [() => refuse('invalid_event', 'a batch is a JSON array of at least one event')];
  }
  const texts = elementTexts(text);
  return value.map((element, i) => () => readWritten(texts[i] ?? '', element));
}

/** The HTTP binding percent-encodes what a header cannot hold. */
function decodeHeader(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return decodeURIComponent(value);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return value;
  }
}

/**
 * The audiences that a publisher whose token is limited to some may not publish to. Events without an audience are
 * refused too, because routes could lead anywhere.
 */
function foreignTo({ audiences }: Identity, event: Event): string[] {
  if (audiences === undefined) return [];
  if (event.audience === undefined) {
    return [`the token is limited to audiences: the event ${JSON.stringify(event.id)} must name its own`];
  }
  return event.audience
    .filter((audience) => !matchesAny(audiences, audience))
    .map((audience) => `the token does not allow to publish to ${audience}`);
}

function tooLarge(bytes: number, maxBytes: number) {
  return refuse('too_large', `${bytes} bytes are more than ${maxBytes}`);
}

function countedAtOnce(
  read: ReadEvent,
  { appendsOf, maxBytes, now }: Pick<EventsOptions, 'maxBytes' | 'appendsOf' | 'now'>,
): Read<number> {
  // The size that counts is that of what the consumer will get, where headers are part of the event.
  const bytes = Buffer.byteLength(textOfEvent(read));
  if (bytes > maxBytes) return tooLarge(bytes, maxBytes);
  if (isExpired(read.event, now())) {
    return refuse('expired', `expired at ${read.event.expirytime}`, 'expirytime');
  }
  const forged = forgery(read.event);
  return forged === undefined ? appendsOf(read) : { ok: false, refusal: forged };
}

/** Refuses types and audiences that only Carillon itself may publish. */
function forgery({ type, audience }: Event): Refusal | undefined {
  if (type === CANARY_TYPE)
    return refuse('invalid_event', `the type ${type} is Carillon's own`, 'type').refusal;
  const own = audience?.find(isOwn);
  if (own === undefined) return undefined;
  return refuse('invalid_audience', `${own} is Carillon's own`, 'audience').refusal;
}
