/** `/admin/users/…`: what operators do about a user. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { timestampSchema } from '../../contract/moment.ts';
import { momentOf } from '../../contract/rfc3339.ts';
import type { Directing } from '../../operate/access/admin-command.ts';
import { ANY_ID, userSchema } from './admin-ids.ts';
import { SCOPE_CODES } from './bearer.ts';
import { answering, COMMAND_NOT_KEPT, problemResponses } from './problems.ts';

export interface AdminUsersOptions {
  readonly adminCommands: Directing;
}

/**
 * How far an operator's clock may be ahead. A later moment is refused as a mistake: no token from then is issued yet.
 */
const MAX_AHEAD_MS = 60_000;

const disconnectSchema = z.object({
  notBefore: timestampSchema
    .refine(
      // A text that is not a moment is reported as such by another check.
      (text) => !(momentOf(text) > Date.now() + MAX_AHEAD_MS),
      'must not be in the future: nobody could get in until then',
    )
    .optional()
    .describe("Also refuses, until they expire, the user's tokens that were issued (iat) before."),
});

type Disconnect = z.infer<typeof disconnectSchema> | null | undefined;

const disconnectedSchema = z.object({ user: z.string(), notBefore: z.iso.datetime().optional() });

export function serveAdminUsers(app: FastifyInstance, { adminCommands }: AdminUsersOptions): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const common = {
    tags: ['admin'],
    body: disconnectSchema.nullish(),
    response: {
      202: disconnectedSchema,
      ...problemResponses('bad_request', ...SCOPE_CODES, 'redis_unavailable'),
    },
  };
  const config = {
    adminCall: { action: 'users.disconnect', scopes: ['admin:users'], recorded: ['notBefore'] },
  } as const;
  const disconnect = async (request: FastifyRequest, reply: FastifyReply, user: string, body: Disconnect) => {
    const { notBefore } = body ?? {};
    const notBeforeMs = notBefore === undefined ? undefined : momentOf(notBefore);
    return await answering(request, reply, COMMAND_NOT_KEPT, async () => {
      await adminCommands.issue({
        kind: 'disconnect',
        user,
        ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
      });
      request.log.info({ user, notBefore }, 'user disconnected by an operator');
      return reply.code(202).send({
        user,
        ...(notBeforeMs === undefined ? {} : { notBefore: new Date(notBeforeMs).toISOString() }),
      });
    });
  };

  routes.post(
    '/admin/users/:user/disconnect',
    {
      config,
      schema: {
        ...common,
        summary: "Closes a user's connections on every node and, with notBefore, revokes older tokens.",
        description:
          'Without notBefore clients are told `disconnected` and come back; with it, those whose token is older are told `token_revoked` and must not. May be sent again.',
        params: userSchema,
      },
    },
    (request, reply) => disconnect(request, reply, request.params.user, request.body),
  );
  routes.post(
    '/admin/users/disconnect',
    {
      config,
      schema: {
        ...common,
        summary: 'The same, for any id.',
        description: ANY_ID,
        querystring: userSchema,
      },
    },
    (request, reply) => disconnect(request, reply, request.query.user, request.body),
  );
}
