/** `POST /v1/events`: one CloudEvent or a batch; accepted when RabbitMQ has confirmed all of it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isOwn } from '../contract/audience.ts';
import {
  isExpired,
  type ReadEvent,
  readBinary,
  readEnvelope,
  readStructured,
  STRUCTURED_TYPE,
  withTraceparent,
} from '../contract/cloudevent.ts';
import { CANARY_TYPE, type Event, eventSchema } from '../contract/event.ts';
import { parseJson } from '../contract/json.ts';
import { type Problem, problem, refusalProblem } from '../contract/problem.ts';
import { reasonOf } from '../contract/reason.ts';
import { type Read, type Refusal, refuse } from '../contract/refusal.ts';
import { type Identity, matchesAny, type Verify } from '../contract/token.ts';
import { type Admission, admission } from './bearer.ts';
import { problemResponses, sendProblem } from './problems.ts';
import type { Quota } from './quota.ts';

const BATCH_TYPE = 'application/cloudevents-batch+json';

export interface EventsOptions {
  readonly verify: Verify;
  readonly maxBytes: number;
  readonly quota: Quota;
  /** Resolves once the queue has confirmed the event; rejects when it may not have it. */
  readonly publish: (read: ReadEvent) => Promise<void>;
  /** What the consumer would refuse, where this process knows it; undefined when nothing. */
  readonly refusalOf: (read: ReadEvent) => Refusal | undefined;
  /** The time that the consumer goes by too. */
  readonly now: () => number;
}

const acceptedSchema = z.object({
  accepted: z.int().positive().describe('How many events RabbitMQ has confirmed.'),
});

/** Where events may be published, and by whom. */
export interface EventsPlace {
  readonly path: string;
  readonly admission: Admission;
  /** Left out of the documentation. */
  readonly hide: boolean;
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
    scope.post(
      place.path,
      {
        onRequest: admit,
        validatorCompiler: () => (body) => ({ value: body }),
        schema: {
          hide: place.hide,
          tags: ['events'],
          summary: 'Publish one CloudEvent, or a batch.',
          description:
            'Structured mode (application/cloudevents+json or application/json), binary mode (ce- headers, the body is the data: a JSON object, or bytes of any other content type) or a batch. Needs the scope events:write. 202 means that RabbitMQ has confirmed every event. The same events may be sent again: a repeat is delivered once.',
          security: [{ bearer: [] }],
          consumes: [STRUCTURED_TYPE, 'application/json', BATCH_TYPE],
          body: z.union([eventSchema, z.array(eventSchema).min(1)]),
          response: {
            202: acceptedSchema,
            ...problemResponses(400, 401, 403, 413, 415, 422, 429, 503),
          },
        },
      },
      (request, reply) => accept(request, reply, identityOf(request), options),
    );
  });
}

/** Events are read from their bytes by the same code as those that come over AMQP. */
export function takeBytes(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

async function accept(
  request: FastifyRequest,
  reply: FastifyReply,
  publisher: Identity,
  options: EventsOptions,
) {
  const read = readEvents(request, options);
  if (!read.ok) return sendProblem(reply, read.problem);
  const { events } = read;
  const foreign = events.flatMap(({ event }) => foreignTo(publisher, event))[0];
  if (foreign !== undefined) return sendProblem(reply, problem('forbidden', 403, foreign));
  const waitMs = await options.quota(publisher.user, events.length);
  if (waitMs !== undefined) {
    reply.header('retry-after', String(Math.ceil(waitMs / 1_000)));
    return sendProblem(
      reply,
      problem('rate_limited', 429, 'more events in a second than this token may publish; none was taken'),
    );
  }
  try {
    await Promise.all(events.map(options.publish));
  } catch (error) {
    request.log.warn({ reason: reasonOf(error) }, 'event not confirmed');
    return sendProblem(
      reply,
      problem('broker_unavailable', 503, 'RabbitMQ did not confirm the event; send it again'),
    );
  }
  return reply.code(202).send({ accepted: events.length });
}

type ReadEvents =
  | { readonly ok: true; readonly events: readonly ReadEvent[] }
  | { readonly ok: false; readonly problem: Problem };

/** The events in a request whose body came as bytes, or what is wrong with the first that is not good. */
export function readEvents(
  request: FastifyRequest,
  options: Pick<EventsOptions, 'maxBytes' | 'refusalOf' | 'now'>,
): ReadEvents {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const { traceparent } = request.headers;
  const reads = readBody(request, body, options.maxBytes).map((read) =>
    read.ok ? { ...read, value: withTraceparent(read.value, traceparent) } : read,
  );
  const events: ReadEvent[] = [];
  for (const [i, read] of reads.entries()) {
    const refusal = read.ok ? refusalAtOnce(read.value, options) : read.refusal;
    if (refusal !== undefined)
      return { ok: false, problem: refusalProblem(refusal, reads.length > 1 ? i : undefined) };
    if (read.ok) events.push(read.value);
  }
  return { ok: true, events };
}

function readBody(request: FastifyRequest, body: Buffer, maxBytes: number): Read<ReadEvent>[] {
  const contentType = request.headers['content-type'];
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === BATCH_TYPE) return readBatch(body);
  if (body.length > maxBytes) return [tooLarge(body.length, maxBytes)];
  const attributes = Object.entries(request.headers).filter(([name]) => name.startsWith('ce-'));
  if (attributes.length > 0) {
    // What curl says of a body whose type nobody has named: bytes that nobody meant.
    if (mediaType === 'application/x-www-form-urlencoded') {
      return [refuse('unsupported_media_type', "name the data's type: a form is no notification")];
    }
    const named = attributes.map(([name, value]) => [name.slice('ce-'.length), decodeHeader(value)]);
    return [readBinary(Object.fromEntries(named), contentType, body)];
  }
  if (mediaType === STRUCTURED_TYPE || mediaType === 'application/json') return [readStructured(body)];
  return [
    refuse(
      'unsupported_media_type',
      `send ${STRUCTURED_TYPE}, ${BATCH_TYPE}, or binary mode with ce- headers`,
    ),
  ];
}

function readBatch(body: Buffer): Read<ReadEvent>[] {
  const parsed = parseJson(body);
  if (!parsed.ok) return [parsed];
  if (!Array.isArray(parsed.value) || parsed.value.length === 0) {
    return [refuse('invalid_event', 'a batch is a JSON array of at least one event')];
  }
  return parsed.value.map((element) => readEnvelope(element));
}

/** The HTTP binding percent-encodes what a header cannot hold. */
function decodeHeader(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** What a publisher whose token is limited to audiences may not publish. Routes could lead anywhere. */
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

function refusalAtOnce(
  read: ReadEvent,
  { refusalOf, maxBytes, now }: Pick<EventsOptions, 'maxBytes' | 'refusalOf' | 'now'>,
): Refusal | undefined {
  // What counts is what the consumer will be sent: headers become a part of it, and 1e20 gets 21 digits.
  const bytes = Buffer.byteLength(JSON.stringify(read.envelope));
  if (bytes > maxBytes) return tooLarge(bytes, maxBytes).refusal;
  if (isExpired(read.event, now())) {
    return refuse('expired', `expired at ${read.event.expirytime}`, 'expirytime').refusal;
  }
  return forgery(read.event) ?? refusalOf(read);
}

/** What only Carillon itself publishes, and where to. */
function forgery({ type, audience }: Event): Refusal | undefined {
  if (type === CANARY_TYPE)
    return refuse('invalid_event', `the type ${type} is Carillon's own`, 'type').refusal;
  const own = audience?.find(isOwn);
  if (own === undefined) return undefined;
  return refuse('invalid_audience', `${own} is Carillon's own`, 'audience').refusal;
}
