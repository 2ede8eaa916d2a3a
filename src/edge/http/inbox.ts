/** `GET /v1/inbox` and `POST /v1/inbox/marks`: a user's inbox for clients without a socket. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Audience } from '../../contract/audience.ts';
import {
  inboxPageSchema,
  inboxQuerySchema,
  markAnswerSchema,
  markRequestSchema,
} from '../../contract/inbox.ts';
import { problem } from '../../contract/problem.ts';
import { audiencesOfIdentity, type Identity, type Verify } from '../../contract/token.ts';
import { writeJson } from '../../contract/written.ts';
import { type GivenDepartments, withDepartments } from '../../operate/access/departments.ts';
import type { Meter } from '../../pipeline/inbox/meter.ts';
import type { InboxAnswer, UserInbox } from '../../pipeline/inbox/user-inbox.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import { inAcceptedLanguages } from './accept-language.ts';
import { admission, TOKEN_CODES } from './bearer.ts';
import type { CrossOrigin } from './cross-origin.ts';
import type { PendingAnswers } from './pending-answers.ts';
import { problemResponses, sendProblem } from './problems.ts';

export interface InboxOptions {
  readonly verify: Verify;
  readonly inbox: UserInbox;
  readonly departments: GivenDepartments;
  readonly limits: RequestLimits;
  readonly answers: PendingAnswers;
  readonly crossOrigin: CrossOrigin;
}

/** Room for 500 ids of any length. */
const MAX_MARK_BYTES = 262_144;

const INBOX_CODES = [
  'bad_request',
  ...TOKEN_CODES,
  'forbidden',
  'rate_limited',
  'inbox_unavailable',
] as const;

/** No session made the change, so every device of the user gets it. */
const NO_ORIGIN = '';

export function serveInbox(app: FastifyInstance, options: InboxOptions): void {
  const { verify, inbox, departments } = options;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const security = [{ bearer: [] }];
  const { admit, identityOf } = admission(verify);
  const ownerOf = async (request: FastifyRequest) => {
    const identity = identityOf(request);
    return withDepartments(identity, await departments.of(identity.user));
  };

  routes.get(
    '/v1/inbox',
    {
      onRequest: [options.crossOrigin(app, '/v1/inbox', 'GET'), admit],
      schema: {
        tags: ['inbox'],
        summary: "The user's notifications, newest first, with their marks, and the counts.",
        description:
          "Of the token's user, departments (or those that an operator gave the user) and everybody; an event that came by several of them once. For a request whose Accept-Language names a language `title` and `body` of each `display` are plain texts: in the first of its languages that there is, or else in the route's first. Content-Language then names those languages. Otherwise they are as the route has them.",
        security,
        headers: z.looseObject({
          'accept-language': z
            .string()
            .optional()
            .describe('The languages to pick from texts by language (RFC 9110); * alone is as good as none.'),
        }),
        querystring: inboxQuerySchema,
        response: { 200: inboxPageSchema, ...problemResponses(...INBOX_CODES) },
      },
    },
    (request, reply) =>
      answer(request, reply, options, ownerOf, async (user, audiences, meter) => {
        const asked = await inbox.list(user, audiences, request.query, meter);
        return asked.ok ? { ...asked, value: inAcceptedLanguages(asked.value, request, reply) } : asked;
      }),
  );

  routes.post(
    '/v1/inbox/marks',
    {
      onRequest: [options.crossOrigin(app, '/v1/inbox/marks', 'POST'), admit],
      bodyLimit: MAX_MARK_BYTES,
      schema: {
        tags: ['inbox'],
        summary: 'Marks notifications as seen, read, unread or archived, on all devices.',
        security,
        body: markRequestSchema,
        response: { 200: markAnswerSchema, ...problemResponses(...INBOX_CODES) },
      },
    },
    (request, reply) =>
      answer(request, reply, options, ownerOf, (user, audiences, meter) =>
        inbox.mark(user, audiences, request.body, NO_ORIGIN, meter),
      ),
  );
}

/** Answers within the user's limits, which sockets and HTTP share. An answer counts until the client has read it. */
async function answer<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  { limits, answers }: InboxOptions,
  ownerOf: (request: FastifyRequest) => Promise<Identity>,
  ask: (user: string, audiences: readonly Audience[], meter: Meter) => Promise<InboxAnswer<T>>,
) {
  let end = () => {};
  try {
    const identity = await ownerOf(request);
    const turn = await limits.begin(identity.user, () => !request.raw.destroyed);
    if (!turn.ok) {
      reply.header('retry-after', String(Math.max(1, Math.ceil(turn.retryAfterMs / 1_000))));
      return sendProblem(reply, problem('rate_limited', 429, 'more than a user may ask for'));
    }
    end = turn.end;
    const asked = await ask(identity.user, audiencesOfIdentity(identity), turn.meter);
    if (!asked.ok) {
      end();
      const { code, message } = asked.refusal;
      return sendProblem(reply, problem(code, code === 'forbidden' ? 403 : 400, message));
    }
    const text = writeJson(asked.value);
    if (reply.raw.destroyed) end();
    else reply.raw.once('close', end);
    answers.add(reply.raw, Buffer.byteLength(text));
    return reply.type(JSON_TYPE).send(text);
  } catch (error) {
    end();
    if (!isUnavailable(error)) throw error;
    request.log.warn({ part: 'inbox', reason: reasonOf(error) }, 'inbox not reached');
    return sendProblem(
      reply,
      problem('inbox_unavailable', 503, 'the inbox cannot be reached; try again later'),
    );
  }
}

const JSON_TYPE = 'application/json; charset=utf-8';
