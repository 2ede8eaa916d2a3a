/** `POST /v1/events`: one CloudEvent or a batch; accepted when RabbitMQ has confirmed all of it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  isExpired,
  type ReadEvent,
  readBinary,
  readEnvelope,
  readStructured,
  STRUCTURED_TYPE,
} from '../contract/cloudevent.ts';
import { eventSchema } from '../contract/event.ts';
import { parseJson } from '../contract/json.ts';
import { problem, refusalProblem } from '../contract/problem.ts';
import { type Read, type Refusal, refuse } from '../contract/refusal.ts';
import type { Verify } from '../contract/token.ts';
import { bearerOf } from './bearer.ts';
import { problemResponses, sendProblem } from './problems.ts';

const BATCH_TYPE = 'application/cloudevents-batch+json';

export interface EventsOptions {
  readonly verify: Verify;
  readonly maxBytes: number;
  /** Resolves once the queue has confirmed the event; rejects when it may not have it. */
  readonly publish: (read: ReadEvent) => Promise<void>;
  /** What the consumer would refuse, where this process knows it; undefined when nothing. */
  readonly refusalOf: (read: ReadEvent) => Refusal | undefined;
}

const acceptedSchema = z.object({
  accepted: z.int().positive().describe('How many events RabbitMQ has confirmed.'),
});

export function serveEvents(app: FastifyInstance, options: EventsOptions): void {
  app.register(async (scope) => {
    // Events are read from their bytes by the same code as those that come over AMQP.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.post(
      '/v1/events',
      {
        validatorCompiler: () => (body) => ({ value: body }),
        schema: {
          tags: ['events'],
          summary: 'Publish one CloudEvent, or a batch.',
          description:
            'Structured mode (application/cloudevents+json or application/json), binary mode (ce- headers, the body is the data) or a batch. Needs the scope events:write. 202 means that RabbitMQ has confirmed every event. The same events may be sent again: a repeat is delivered once.',
          security: [{ bearer: [] }],
          consumes: [STRUCTURED_TYPE, 'application/json', BATCH_TYPE],
          body: z.union([eventSchema, z.array(eventSchema).min(1)]),
          response: {
            202: acceptedSchema,
            ...problemResponses(400, 401, 403, 413, 415, 422, 503),
          },
        },
      },
      (request, reply) => accept(request, reply, options),
    );
  });
}

async function accept(request: FastifyRequest, reply: FastifyReply, options: EventsOptions) {
  const bearer = await bearerOf(request, options.verify, 'events:write');
  if (!bearer.ok) return sendProblem(reply, bearer.problem);

  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const reads = readBody(request, body, options.maxBytes);
  const events: ReadEvent[] = [];
  for (const [i, read] of reads.entries()) {
    const refusal = read.ok ? refusalAtOnce(read.value, options) : read.refusal;
    if (refusal !== undefined)
      return sendProblem(reply, refusalProblem(refusal, reads.length > 1 ? i : undefined));
    if (read.ok) events.push(read.value);
  }
  try {
    await Promise.all(events.map(options.publish));
  } catch (error) {
    request.log.warn(
      { reason: error instanceof Error ? error.message : String(error) },
      'event not confirmed',
    );
    reply.header('retry-after', '5');
    return sendProblem(
      reply,
      problem('broker_unavailable', 503, 'RabbitMQ did not confirm the event; send it again'),
    );
  }
  return reply.code(202).send({ accepted: events.length });
}

function readBody(request: FastifyRequest, body: Buffer, maxBytes: number): Read<ReadEvent>[] {
  const contentType = request.headers['content-type'];
  const mediaType = contentType?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === BATCH_TYPE) return readBatch(body, maxBytes);
  if (body.length > maxBytes) return [refuse('too_large', `${body.length} bytes are more than ${maxBytes}`)];
  const attributes = Object.entries(request.headers).filter(([name]) => name.startsWith('ce-'));
  if (attributes.length > 0) {
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

function readBatch(body: Buffer, maxBytes: number): Read<ReadEvent>[] {
  const parsed = parseJson(body);
  if (!parsed.ok) return [parsed];
  if (!Array.isArray(parsed.value) || parsed.value.length === 0) {
    return [refuse('invalid_event', 'a batch is a JSON array of at least one event')];
  }
  return parsed.value.map((element) => {
    const bytes = Buffer.byteLength(JSON.stringify(element));
    return bytes > maxBytes
      ? refuse('too_large', `${bytes} bytes are more than ${maxBytes}`)
      : readEnvelope(element);
  });
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

function refusalAtOnce(read: ReadEvent, { refusalOf }: EventsOptions): Refusal | undefined {
  if (isExpired(read.event, Date.now())) {
    return refuse('expired', `expired at ${read.event.expirytime}`, 'expirytime').refusal;
  }
  return refusalOf(read);
}
