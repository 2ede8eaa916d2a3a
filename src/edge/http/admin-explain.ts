/** `GET /admin/explain`: why a user has an event's notification, or has not. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { audienceIdSchema } from '../../contract/audience.ts';
import { type Explanation, explanationSchema } from '../../contract/explanation.ts';
import { problem } from '../../contract/problem.ts';
import { acceptedLanguages } from './accept-language.ts';
import { SCOPE_CODES } from './bearer.ts';
import { type Away, answering, problemResponses, sendProblem } from './problems.ts';

const NOT_ASKED: Away = {
  part: 'explain',
  message: 'nothing could be asked',
  detail: 'what happened cannot be read now',
};

export interface AdminExplainOptions {
  /** Rejects while Redis is away. `ambiguous`: several events have the id; these are their sources. */
  readonly investigate: (question: {
    readonly user: string;
    readonly id: string;
    readonly source?: string | undefined;
    readonly languages: readonly string[];
  }) => Promise<Explanation | { readonly ambiguous: readonly string[] }>;
}

export function serveAdminExplain(app: FastifyInstance, { investigate }: AdminExplainOptions): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/admin/explain',
    {
      config: { adminCall: { action: 'events.explain', scopes: ['admin:read'] } },
      schema: {
        tags: ['admin'],
        summary: "Why a user has an event's notification, or has not.",
        description: 'A verdict with a stable code, and the steps that led to it.',
        querystring: z.object({
          event: z.string().min(1).max(256).describe("The event's id."),
          source: z
            .string()
            .min(1)
            .max(256)
            .optional()
            .describe('Needed only when events of several sources have the id.'),
          user: audienceIdSchema,
        }),
        headers: z.object({
          'accept-language': z
            .string()
            .optional()
            .describe(
              'The languages to pick the title from (RFC 9110); without one, the first of its route.',
            ),
        }),
        response: {
          200: explanationSchema,
          ...problemResponses('bad_request', ...SCOPE_CODES, 'ambiguous', 'redis_unavailable'),
        },
      },
    },
    async (request, reply) => {
      const { event: id, source, user } = request.query;
      return await answering(request, reply, NOT_ASKED, async () => {
        const answer = await investigate({ user, id, source, languages: acceptedLanguages(request) });
        if (!('ambiguous' in answer)) return await reply.send(answer);
        const detail = `events of ${answer.ambiguous.join(' and ')} have this id; name one as source`;
        return sendProblem(reply, {
          ...problem('ambiguous', 409, detail),
          sources: [...answer.ambiguous],
        });
      });
    },
  );
}
