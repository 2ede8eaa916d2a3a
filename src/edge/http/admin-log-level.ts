/** `/admin/log-level`: more in the log for a while, of all processes or of one, without a restart. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  type LogLevelChange,
  type LogLevelState,
  logLevelChangeSchema,
  logLevelSchema,
  logLevelStateSchema,
} from '../../contract/log-level.ts';
import { SCOPE_CODES } from './bearer.ts';
import { answering, COMMAND_NOT_KEPT, problemResponses } from './problems.ts';

export interface LogLevelControl {
  /** Of this process. */
  state(): LogLevelState;
  /** Resolves with when it ends, as RFC 3339. Rejects while Redis is away, unless it is for this process alone. */
  set(change: LogLevelChange): Promise<string>;
  /** Back to what each is configured for: all, or the one that is named. Rejects as {@link set} does. */
  reset(node: string | undefined): Promise<void>;
}

export interface AdminLogLevelOptions {
  readonly logLevel: LogLevelControl;
}

const PATH = '/admin/log-level';

const nodeSchema = logLevelChangeSchema.pick({ node: true });

const changedSchema = z.object({
  level: logLevelSchema,
  until: z.iso.datetime(),
  node: z.string().optional().describe('The only process that it is for.'),
});

export function serveAdminLogLevel(app: FastifyInstance, { logLevel }: AdminLogLevelOptions): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const common = { tags: ['admin'] };
  const showing = {
    adminCall: { action: 'log-level.show', scopes: ['admin:read'], isHarmless: true },
  } as const;
  const setting = {
    adminCall: {
      action: 'log-level.set',
      scopes: ['admin'],
      recorded: ['level', 'forSeconds', 'node'],
    },
  } as const;
  const resetting = { adminCall: { action: 'log-level.reset', scopes: ['admin'] } } as const;
  const failures = problemResponses('bad_request', ...SCOPE_CODES, 'redis_unavailable');

  const { node } = logLevel.state();
  const notKept = {
    ...COMMAND_NOT_KEPT,
    detail: `Redis, which tells the other processes, cannot be reached; with node=${node} this process needs no Redis`,
  };

  routes.get(
    PATH,
    {
      config: showing,
      schema: {
        ...common,
        summary: 'The level of the log of the process that answers.',
        response: { 200: logLevelStateSchema, ...problemResponses(...SCOPE_CODES) },
      },
    },
    async (_request, reply) => reply.send(logLevel.state()),
  );
  routes.put(
    PATH,
    {
      config: setting,
      schema: {
        ...common,
        summary: 'Sets the level of the log of every process, or of one, for a while.',
        description:
          'Each process follows soon, those that start meanwhile too, and goes back to its LOG_LEVEL by itself.',
        body: logLevelChangeSchema,
        response: { 202: changedSchema, ...failures },
      },
    },
    (request, reply) =>
      answering(request, reply, notKept, async () => {
        const { level, node } = request.body;
        const until = await logLevel.set(request.body);
        request.log.info({ to: level, until, node }, 'log level set by an operator');
        return reply.code(202).send({ level, until, ...(node === undefined ? {} : { node }) });
      }),
  );
  routes.delete(
    PATH,
    {
      config: resetting,
      schema: {
        ...common,
        summary: 'Goes back to LOG_LEVEL at once, on every process or on one.',
        querystring: nodeSchema,
        response: { 204: z.null(), ...failures },
      },
    },
    (request, reply) =>
      answering(request, reply, notKept, async () => {
        const { node } = request.query;
        await logLevel.reset(node);
        request.log.info({ node }, 'log level reset by an operator');
        return reply.code(204).send(null);
      }),
  );
}
