/**
 * The audit: who asked what, from where, and how it was answered. Each call is a line in the log, and a signal if
 * signals are wanted. What goes in is chosen by name, so that no secret and no content gets in by being new.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { AuditRecord } from '../../contract/audit.ts';
import type { Signals } from '../../contract/signal.ts';
import type { AdminCall, Audit, Standing } from './admin-calls.ts';

export interface AuditTrailOptions {
  readonly node: string;
  readonly log: Logger;
  readonly signals: Signals;
}

/** Names of ids, in paths and in queries: what a call is about. */
const TARGETS = ['user', 'audience', 'event', 'source', 'id'];

/** A valid id is at most as long. What is longer is in a request that is refused. */
const MAX_TEXT = 256;

export class AuditTrail implements Audit {
  readonly #options: AuditTrailOptions;
  readonly #log: Logger;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    const { log } = options;
    // LOG_LEVEL is about what is worth reading. Whether there is an audit is not to depend on it.
    this.#log = log.level === 'silent' ? log : log.child({}, { level: 'info' });
  }

  record(
    call: AdminCall,
    request: FastifyRequest,
    reply: FastifyReply,
    standing: Standing | undefined,
  ): void {
    const { node, signals } = this.#options;
    const record = recordOf(call, request, reply, standing, node);
    this.#log.info(record, record.refusal === undefined ? 'admin call' : 'admin call refused');
    signals.emit('audit', record);
  }
}

function recordOf(
  { action }: AdminCall,
  request: FastifyRequest,
  { statusCode }: FastifyReply,
  { identity, scope, refusal, body, target }: Partial<Standing> = {},
  node: string,
): AuditRecord {
  const { routeOptions, method, clientAddress } = request;
  const query = textsOf(request.query, namesIn(routeOptions.schema?.querystring));
  const asked = { ...textsOf(request.params, TARGETS), ...query, ...textsOf(target, TARGETS) };
  const targets = Object.entries(asked).filter(([name]) => TARGETS.includes(name));
  return {
    action,
    ...(identity === undefined ? {} : { actor: identity.user }),
    ...(identity?.tokenId === undefined ? {} : { tokenId: identity.tokenId }),
    ...(scope === undefined ? {} : { scope }),
    ...(refusal === undefined ? {} : { refusal }),
    node,
    address: clientAddress,
    method,
    route: (routeOptions.url ?? '').replace(/:(\w+)/g, '{$1}'),
    target: Object.fromEntries(targets),
    query,
    body: { ...body },
    status: statusCode,
  };
}

/** Other parameters do not belong to the route, and may be anything: a token that somebody put there by mistake. */
function namesIn(schema: unknown): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function textsOf(values: unknown, names: readonly string[]): Record<string, string> {
  const given = z.record(z.string(), z.unknown()).safeParse(values).data ?? {};
  const chosen = names.flatMap((name) => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    return value === undefined ? [] : [[name, String(value).slice(0, MAX_TEXT)]];
  });
  return Object.fromEntries(chosen);
}
