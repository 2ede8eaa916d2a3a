/** `/admin/users/{user}/departments`: which departments a user has, in place of those in the token. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { audienceIdSchema } from '../contract/audience.ts';
import { type Departments, departmentsSchema } from '../contract/departments.ts';
import type { Directing } from '../contract/directive.ts';
import { problem } from '../contract/problem.ts';
import { answering, problemResponses, sendProblem } from './problems.ts';

export interface AdminDepartmentsOptions {
  readonly directing: Directing;
  readonly departments: Departments;
}

const PATH = '/admin/users/:user/departments';
const params = z.object({ user: audienceIdSchema });
const givenSchema = departmentsSchema.extend({ user: z.string() }).meta({ id: 'GivenDepartments' });

export function serveAdminDepartments(
  app: FastifyInstance,
  { directing, departments }: AdminDepartmentsOptions,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const common = { tags: ['admin'], security: [{ bearer: [] }], params };

  routes.get(
    PATH,
    {
      schema: {
        ...common,
        summary: 'The departments that a user was given; not_found when those of the token count.',
        response: { 200: givenSchema, ...problemResponses(400, 401, 403, 404, 503) },
      },
    },
    (request, reply) =>
      answering(request, reply, async () => {
        const { user } = request.params;
        const given = await departments.of(user);
        if (given !== undefined) return reply.send({ user, departments: [...given] });
        return sendProblem(reply, problem('not_found', 404, `user ${user} was given no departments`));
      }),
  );

  routes.put(
    PATH,
    {
      schema: {
        ...common,
        summary:
          "Gives a user departments in place of the token's, and moves live connections on every node.",
        description: 'Until they are taken back, over all reconnects and tokens. May be sent again.',
        body: departmentsSchema,
        response: { 200: givenSchema, ...problemResponses(400, 401, 403, 503) },
      },
    },
    (request, reply) =>
      answering(request, reply, async () => {
        const { user } = request.params;
        const given = [...new Set(request.body.departments)];
        await departments.give(user, given);
        // In this order: whoever hears of it finds it.
        await directing.issue({ kind: 'departments', user });
        request.log.info({ user, departments: given }, 'departments given by an operator');
        return reply.send({ user, departments: given });
      }),
  );

  routes.delete(
    PATH,
    {
      schema: {
        ...common,
        summary: "Goes back to the token's departments, and moves live connections on every node.",
        description: 'Also answers 204 when none were given. May be sent again.',
        response: { 204: z.null(), ...problemResponses(400, 401, 403, 503) },
      },
    },
    (request, reply) =>
      answering(request, reply, async () => {
        const { user } = request.params;
        await departments.takeBack(user);
        await directing.issue({ kind: 'departments', user });
        request.log.info({ user }, 'departments taken back by an operator');
        return reply.code(204).send(null);
      }),
  );
}
