/** `GET /v1/inbox` and `POST /v1/inbox/marks`: a user's inbox for clients that are not on the socket. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Audience } from '../contract/audience.ts';
import { type GivenDepartments, withDepartments } from '../contract/departments.ts';
import {
  type InboxAnswer,
  inboxPageSchema,
  inboxQuerySchema,
  markAnswerSchema,
  markRequestSchema,
  type UserInbox,
} from '../contract/inbox.ts';
import { problem } from '../contract/problem.ts';
import { reasonOf } from '../contract/reason.ts';
import { audiencesOfIdentity, type Identity, type Verify } from '../contract/token.ts';
import { admission } from './bearer.ts';
import { problemResponses, sendProblem } from './problems.ts';

export interface InboxOptions {
  readonly verify: Verify;
  readonly inbox: UserInbox;
  readonly departments: GivenDepartments;
}

/** No session made the change: every device of the user is told. */
const NO_ORIGIN = '';

export function serveInbox(app: FastifyInstance, { verify, inbox, departments }: InboxOptions): void {
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
      onRequest: admit,
      schema: {
        tags: ['inbox'],
        summary: "The user's notifications, newest first, with their marks, and the counts.",
        description:
          "Of the token's user, departments (or those that an operator gave the user) and everybody; an event that came by several of them once.",
        security,
        querystring: inboxQuerySchema,
        response: { 200: inboxPageSchema, ...problemResponses(400, 401, 403, 503) },
      },
    },
    (request, reply) =>
      answer(request, reply, ownerOf, (user, audiences) => inbox.list(user, audiences, request.query)),
  );

  routes.post(
    '/v1/inbox/marks',
    {
      onRequest: admit,
      schema: {
        tags: ['inbox'],
        summary: 'Marks notifications as seen, read, unread or archived, on all devices.',
        security,
        body: markRequestSchema,
        response: { 200: markAnswerSchema, ...problemResponses(400, 401, 403, 503) },
      },
    },
    (request, reply) =>
      answer(request, reply, ownerOf, (user, audiences) =>
        inbox.mark(user, audiences, request.body, NO_ORIGIN),
      ),
  );
}

async function answer<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  ownerOf: (request: FastifyRequest) => Promise<Identity>,
  ask: (user: string, audiences: readonly Audience[]) => Promise<InboxAnswer<T>>,
) {
  try {
    const identity = await ownerOf(request);
    const asked = await ask(identity.user, audiencesOfIdentity(identity));
    if (asked.ok) return reply.send(asked.value);
    const { code, message } = asked.refusal;
    return sendProblem(reply, problem(code, code === 'forbidden' ? 403 : 400, message));
  } catch (error) {
    request.log.warn({ reason: reasonOf(error) }, 'inbox not reached');
    return sendProblem(
      reply,
      problem('inbox_unavailable', 503, 'the inbox cannot be reached; try again later'),
    );
  }
}
