/** `/admin/users/{user}/departments`: the departments that an operator gives a user instead of those in the token. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../contract/problem.ts';
import type { Directing } from '../../operate/access/admin-command.ts';
import { type Departments, departmentsSchema } from '../../operate/access/departments.ts';
import { ANY_ID, userSchema } from './admin-ids.ts';
import { SCOPE_CODES } from './bearer.ts';
import { answering, problemResponses, sendProblem } from './problems.ts';

export interface AdminDepartmentsOptions {
  readonly adminCommands: Directing;
  readonly departments: Departments;
}

const PATH = '/admin/users/:user/departments';
const PATH_FOR_ANY = '/admin/users/departments';
const givenSchema = departmentsSchema.extend({ user: z.string() }).meta({ id: 'GivenDepartments' });

export function serveAdminDepartments(
  app: FastifyInstance,
  { adminCommands, departments }: AdminDepartmentsOptions,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const common = { tags: ['admin'] };
  const showing = { adminCall: { action: 'users.departments.show', scopes: ['admin:read'] } } as const;
  const giving = {
    adminCall: { action: 'users.departments.give', scopes: ['admin:users'], recorded: ['departments'] },
  } as const;
  const takingBack = {
    adminCall: { action: 'users.departments.take-back', scopes: ['admin:users'] },
  } as const;
  const forAny = { summary: 'The same, for any id.', description: ANY_ID, querystring: userSchema };
  const shown = {
    ...common,
    response: {
      200: givenSchema,
      ...problemResponses('bad_request', ...SCOPE_CODES, 'not_found', 'redis_unavailable'),
    },
  };
  const put = {
    ...common,
    body: departmentsSchema,
    response: { 200: givenSchema, ...problemResponses('bad_request', ...SCOPE_CODES, 'redis_unavailable') },
  };
  const removed = {
    ...common,
    response: { 204: z.null(), ...problemResponses('bad_request', ...SCOPE_CODES, 'redis_unavailable') },
  };

  const show = (request: FastifyRequest, reply: FastifyReply, user: string) =>
    answering(request, reply, { part: 'departments' }, async () => {
      const given = await departments.of(user);
      if (given !== undefined) return reply.send({ user, departments: [...given] });
      return sendProblem(reply, problem('not_found', 404, `user ${user} was given no departments`));
    });
  const give = (request: FastifyRequest, reply: FastifyReply, user: string, wanted: readonly string[]) =>
    answering(request, reply, { part: 'departments' }, async () => {
      const given = [...new Set(wanted)];
      await departments.give(user, given);
      // In this order: the nodes read the departments when the command reaches them.
      await adminCommands.issue({ kind: 'departments', user });
      request.log.info({ user, departments: given }, 'departments given by an operator');
      return reply.send({ user, departments: given });
    });
  const takeBack = (request: FastifyRequest, reply: FastifyReply, user: string) =>
    answering(request, reply, { part: 'departments' }, async () => {
      await departments.takeBack(user);
      await adminCommands.issue({ kind: 'departments', user });
      request.log.info({ user }, 'departments taken back by an operator');
      return reply.code(204).send(null);
    });

  routes.get(
    PATH,
    {
      config: showing,
      schema: {
        ...shown,
        summary: 'The departments that a user was given; not_found when those of the token count.',
        params: userSchema,
      },
    },
    (request, reply) => show(request, reply, request.params.user),
  );
  routes.get(PATH_FOR_ANY, { config: showing, schema: { ...shown, ...forAny } }, (request, reply) =>
    show(request, reply, request.query.user),
  );

  routes.put(
    PATH,
    {
      config: giving,
      schema: {
        ...put,
        summary:
          "Gives a user departments in place of the token's, and moves live connections on every node.",
        description: 'Until they are taken back, over all reconnects and tokens. May be sent again.',
        params: userSchema,
      },
    },
    (request, reply) => give(request, reply, request.params.user, request.body.departments),
  );
  routes.put(PATH_FOR_ANY, { config: giving, schema: { ...put, ...forAny } }, (request, reply) =>
    give(request, reply, request.query.user, request.body.departments),
  );

  routes.delete(
    PATH,
    {
      config: takingBack,
      schema: {
        ...removed,
        summary: "Goes back to the token's departments, and moves live connections on every node.",
        description: 'Also answers 204 when none were given. May be sent again.',
        params: userSchema,
      },
    },
    (request, reply) => takeBack(request, reply, request.params.user),
  );
  routes.delete(PATH_FOR_ANY, { config: takingBack, schema: { ...removed, ...forAny } }, (request, reply) =>
    takeBack(request, reply, request.query.user),
  );
}
