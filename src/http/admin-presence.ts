/** `/admin/users/{user}/sessions` and `/admin/audiences/{audience}`: who is connected where. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { audienceIdSchema, audienceSchema } from '../contract/audience.ts';
import { audiencePresenceSchema, type Directory, userPresenceSchema } from '../contract/presence.ts';
import { problem } from '../contract/problem.ts';
import { answering, problemResponses, sendProblem } from './problems.ts';

export interface AdminPresenceOptions {
  readonly directory: Directory;
}

export function serveAdminPresence(app: FastifyInstance, { directory }: AdminPresenceOptions): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const common = { tags: ['admin'], security: [{ bearer: [] }] };

  routes.get(
    '/admin/users/:user/sessions',
    {
      schema: {
        ...common,
        summary:
          "A user's connections on all nodes, and the devices that were connected, with when they left.",
        description: 'not_found: the user was never here, or not for a month.',
        params: z.object({ user: audienceIdSchema }),
        response: { 200: userPresenceSchema, ...problemResponses(400, 401, 403, 404, 503) },
      },
    },
    (request, reply) =>
      answering(request, reply, async () => {
        const { user } = request.params;
        const found = await directory.sessionsOf(user);
        if (found.sessions.length + found.devices.length > 0) return reply.send(found);
        return sendProblem(reply, problem('not_found', 404, `nothing is known of user ${user}`));
      }),
  );

  routes.get(
    '/admin/audiences/:audience',
    {
      schema: {
        ...common,
        summary:
          'How many users and sessions of an audience are connected, to which nodes, and where its log ends.',
        description: 'not_found: nobody is connected, and nothing was ever sent to it.',
        params: z.object({ audience: audienceSchema }),
        response: { 200: audiencePresenceSchema, ...problemResponses(400, 401, 403, 404, 503) },
      },
    },
    (request, reply) =>
      answering(request, reply, async () => {
        const { audience } = request.params;
        const found = await directory.audience(audience);
        if (found.sessions > 0 || found.head.offset > 0) return reply.send(found);
        return sendProblem(reply, problem('not_found', 404, `nothing is known of ${audience}`));
      }),
  );
}
