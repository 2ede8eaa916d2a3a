/** `DELETE /admin/users/{user}` and `GET /admin/users/{user}/export`: a person's data. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { erasureSchema, type PersonalDataDesk, personalDataSchema } from '../../contract/personal-data.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { ANY_ID, userSchema } from './admin-ids.ts';
import { SCOPE_CODES } from './bearer.ts';
import { type Away, answering, problemResponses } from './problems.ts';

export interface AdminPersonalDataOptions {
  readonly personalData: PersonalDataDesk;
}

const UNAVAILABLE = ['redis_unavailable', 'broker_unavailable', 'dead_letters_busy'] as const;

const AWAY = { part: 'personal data', message: 'personal data not reached', codes: UNAVAILABLE };
const NOT_ERASED: Away = { ...AWAY, detail: 'what was done so far stays done; send it again' };
const NOT_EXPORTED: Away = { ...AWAY, detail: 'nothing was exported; send it again' };

export function serveAdminPersonalData(
  app: FastifyInstance,
  { personalData }: AdminPersonalDataOptions,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const common = { tags: ['admin'] };
  const erasing = { adminCall: { action: 'users.erase', scopes: ['admin:erase'] } } as const;
  const exporting = { adminCall: { action: 'users.export', scopes: ['admin:erase'] } } as const;
  const forAny = { summary: 'The same, for any id.', description: ANY_ID, querystring: userSchema };
  const problems = problemResponses('bad_request', ...SCOPE_CODES, ...UNAVAILABLE);
  const erased = { ...common, response: { 200: erasureSchema, 202: erasureSchema, ...problems } };
  const exported = { ...common, response: { 200: personalDataSchema, ...problems } };

  const erase = (request: FastifyRequest, reply: FastifyReply, user: string) =>
    answering(request, reply, NOT_ERASED, async () => {
      const erasure = await personalData.erase(user);
      const { before, isComplete, step, deadLetters } = erasure;
      request.log.info({ user, before, isComplete, step, deadLetters }, 'user erased by an operator');
      return reply.code(isComplete ? 200 : 202).send(erasure);
    });
  const sendExport = (request: FastifyRequest, reply: FastifyReply, user: string) =>
    answering(request, reply, NOT_EXPORTED, async () => {
      const pieces = personalData.export(user)[Symbol.asyncIterator]();
      const first = await pieces.next();
      request.log.info({ user }, 'user exported by an operator');
      const body = Readable.from(following(first, pieces));
      // The answer ends where it is, and nobody can take it for a whole one.
      body.on('error', (error) => request.log.error({ reason: reasonOf(error) }, 'the export broke off'));
      return await reply.type('application/json').send(body);
    });

  routes.delete(
    '/admin/users/:user',
    {
      config: erasing,
      schema: {
        ...erased,
        summary: 'Erases all that is kept of a user, closes the connections and refuses older tokens.',
        description:
          '202: it has begun and is not complete; send the same request again until 200. It may be sent again at any time.',
        params: userSchema,
      },
    },
    (request, reply) => erase(request, reply, request.params.user),
  );
  routes.delete('/admin/users', { config: erasing, schema: { ...erased, ...forAny } }, (request, reply) =>
    erase(request, reply, request.query.user),
  );
  routes.get(
    '/admin/users/:user/export',
    {
      config: exporting,
      schema: {
        ...exported,
        summary: 'All that is kept of a user, as one JSON document.',
        description:
          'Texts are as they were written. The answer is streamed: an error on the way ends it in the middle.',
        params: userSchema,
      },
    },
    (request, reply) => sendExport(request, reply, request.params.user),
  );
  routes.get(
    '/admin/users/export',
    { config: exporting, schema: { ...exported, ...forAny } },
    (request, reply) => sendExport(request, reply, request.query.user),
  );
}

async function* following(first: IteratorResult<string>, pieces: AsyncIterator<string>) {
  try {
    for (let piece = first; !piece.done; piece = await pieces.next()) yield piece.value;
  } finally {
    // Also when whoever asked has left: dead letters are in hand until then.
    await pieces.return?.();
  }
}
