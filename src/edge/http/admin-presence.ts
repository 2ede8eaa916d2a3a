/** `/admin/users/{user}/sessions` and `/admin/audiences/{audience}`: who is connected where. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Audience } from '../../contract/audience.ts';
import { audiencePresenceSchema, type Directory, userPresenceSchema } from '../../contract/presence.ts';
import { problem } from '../../contract/problem.ts';
import { ANY_ID, audienceOnlySchema, userSchema } from './admin-ids.ts';
import { SCOPE_CODES } from './bearer.ts';
import { answering, problemResponses, sendProblem } from './problems.ts';

export interface AdminPresenceOptions {
  readonly directory: Directory;
}

export function serveAdminPresence(app: FastifyInstance, { directory }: AdminPresenceOptions): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const common = { tags: ['admin'] };
  const readingUser = { adminCall: { action: 'users.sessions', scopes: ['admin:read'] } } as const;
  const readingAudience = { adminCall: { action: 'audiences.show', scopes: ['admin:read'] } } as const;
  const ofUser = {
    ...common,
    response: {
      200: userPresenceSchema,
      ...problemResponses('bad_request', ...SCOPE_CODES, 'not_found', 'redis_unavailable'),
    },
  };
  const ofAudience = {
    ...common,
    response: {
      200: audiencePresenceSchema,
      ...problemResponses('bad_request', ...SCOPE_CODES, 'not_found', 'redis_unavailable'),
    },
  };
  const sessions = (request: FastifyRequest, reply: FastifyReply, user: string) =>
    answering(request, reply, { part: 'presence' }, async () => {
      const found = await directory.sessionsOf(user);
      if (found.sessions.length + found.devices.length > 0) return reply.send(found);
      return sendProblem(reply, problem('not_found', 404, `nothing is known of user ${user}`));
    });
  const present = (request: FastifyRequest, reply: FastifyReply, audience: Audience) =>
    answering(request, reply, { part: 'presence' }, async () => {
      const found = await directory.audience(audience);
      if (found.sessions > 0 || found.head.offset > 0) return reply.send(found);
      return sendProblem(reply, problem('not_found', 404, `nothing is known of ${audience}`));
    });

  routes.get(
    '/admin/users/:user/sessions',
    {
      config: readingUser,
      schema: {
        ...ofUser,
        summary:
          "A user's connections on all nodes, and the devices that were connected, with when they left.",
        description: 'not_found: the user was never here, or not for a month.',
        params: userSchema,
      },
    },
    (request, reply) => sessions(request, reply, request.params.user),
  );
  routes.get(
    '/admin/users/sessions',
    {
      config: readingUser,
      schema: { ...ofUser, summary: 'The same, for any id.', description: ANY_ID, querystring: userSchema },
    },
    (request, reply) => sessions(request, reply, request.query.user),
  );

  routes.get(
    '/admin/audiences/:audience',
    {
      config: readingAudience,
      schema: {
        ...ofAudience,
        summary:
          'How many users and sessions of an audience are connected, to which nodes, and where its log ends.',
        description: 'not_found: nobody is connected, and nothing was ever sent to it.',
        params: audienceOnlySchema,
      },
    },
    (request, reply) => present(request, reply, request.params.audience),
  );
  routes.get(
    '/admin/audiences',
    {
      config: readingAudience,
      schema: {
        ...ofAudience,
        summary: 'The same, for any id.',
        description: ANY_ID,
        querystring: audienceOnlySchema,
      },
    },
    (request, reply) => present(request, reply, request.query.audience),
  );
}
