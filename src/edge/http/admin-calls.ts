/**
 * Every call by an operator goes through here: each route says which scopes will do for it and what it is in the audit.
 * One that says nothing cannot be registered. Who may not is refused before the body is read, and both are recorded.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { z } from 'zod';
import { type SufficientScopes, withAdmin } from '../../contract/admin-scope.ts';
import type { AuditAction } from '../../contract/audit.ts';
import type { Identity, Verify } from '../../contract/token.ts';
import { type BearerCheck, bearerOf } from './bearer.ts';
import { sendProblem } from './problems.ts';
import { refusalOfForeignPage } from './same-origin.ts';

export interface AdminCall {
  readonly action: AuditAction;
  /** A token with one of these may. The least comes first: it is named to who has none of them. */
  readonly scopes: SufficientScopes;
  /** Fields of a valid body that are recorded: ids and settings, never content. @default none */
  readonly recorded?: readonly string[];
  /** Changes nothing and shows nothing of a person: only refusals are recorded. @default false */
  readonly isHarmless?: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** MUST be there for routes that {@link guardAdminCalls} guards. */
    readonly adminCall?: AdminCall;
  }
}

/** What was found out about who asks; none when the request was refused earlier. */
export interface Standing {
  readonly identity: Identity | undefined;
  /** By which it was allowed. */
  readonly scope: string | undefined;
  /** The code of the problem with which it was refused. */
  readonly refusal: string | undefined;
  /** The recorded fields of a valid body. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** What it was about, where neither path nor query says so. */
  readonly target?: Readonly<Record<string, string>>;
}

export interface Audit {
  record(call: AdminCall, request: FastifyRequest, reply: FastifyReply, standing: Standing | undefined): void;
}

export interface AdminCallsOptions {
  readonly verify: Verify;
  readonly audit: Audit;
}

export interface AdminCalls {
  /** Who asks; the guard has admitted them already. */
  readonly admission: BearerCheck;
  /** For a route whose body says what the call is about, and is not read by a schema. */
  tellTarget(request: FastifyRequest, target: Readonly<Record<string, string>>): void;
}

/** MUST be called before the scope's routes are registered. */
export function guardAdminCalls(scope: FastifyInstance, { verify, audit }: AdminCallsOptions): AdminCalls {
  const standings = new WeakMap<FastifyRequest, Standing>();
  const tell = (request: FastifyRequest, more: Partial<Standing>) => {
    const standing = standings.get(request);
    if (standing !== undefined) standings.set(request, { ...standing, ...more });
  };
  // A form of any page can send text; JSON it cannot.
  scope.removeContentTypeParser('text/plain');
  scope.addHook('onRoute', describeCall);
  scope.addHook('onRequest', async (request, reply) => {
    const bearer = await bearerOf(request, verify, withAdmin(callOf(request).scopes));
    const { identity } = bearer;
    const refusal = bearer.ok ? refusalOfForeignPage(request.headers) : bearer.problem;
    const scopeUsed = bearer.ok && refusal === undefined ? bearer.scope : undefined;
    standings.set(request, { identity, scope: scopeUsed, refusal: refusal?.code });
    return refusal === undefined ? undefined : sendProblem(reply, refusal);
  });
  // Only a body that passed its schema gets here, so what is recorded of it is as small as that demands.
  scope.addHook('preHandler', async (request) => {
    const { recorded = [] } = callOf(request);
    tell(request, { body: fieldsOf(request.body, recorded) });
  });
  // Not when it was answered: a client that hangs up in time would leave no trace.
  scope.addHook('onSend', async (request, reply) => {
    const call = callOf(request);
    const standing = standings.get(request);
    if (call.isHarmless !== true || standing?.refusal !== undefined)
      audit.record(call, request, reply, standing);
  });
  return {
    admission: {
      admit: async () => undefined,
      identityOf: (request) => {
        const identity = standings.get(request)?.identity;
        if (identity === undefined) throw new Error('nobody has verified who asks');
        return identity;
      },
    },
    tellTarget: (request, target) => tell(request, { target }),
  };
}

function callOf({ routeOptions }: FastifyRequest): AdminCall {
  const { config, url } = routeOptions;
  if (config.adminCall === undefined) throw new Error(`${url} does not say who may call it`);
  return config.adminCall;
}

/** Shows the scopes in openapi.yaml. */
function describeCall(route: RouteOptions): void {
  const call = route.config?.adminCall;
  if (call === undefined) {
    throw new Error(`${route.method} ${route.url} has no adminCall in its config: which scope does it need?`);
  }
  const { schema = {} } = route;
  const needs = `Needs the scope ${call.scopes.join(' or ')}.`;
  route.schema = {
    ...schema,
    description: [schema.description, needs].filter((text) => text !== undefined).join(' '),
    security: withAdmin(call.scopes).map((one) => ({ bearer: [one] })),
  };
}

function fieldsOf(body: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (names.length === 0) return {};
  const fields = z.record(z.string(), z.unknown()).safeParse(body).data ?? {};
  return Object.fromEntries(
    names.flatMap((name) => (Object.hasOwn(fields, name) ? [[name, fields[name]]] : [])),
  );
}
