/** Who asks over HTTP: the bearer token of a request, verified, or the problem to answer with. */
import type { FastifyRequest } from 'fastify';
import { type Problem, problem } from '../contract/problem.ts';
import type { Identity, Verify } from '../contract/token.ts';

export type Bearer =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly problem: Problem };

/** `scope`: what the token must allow, if anything in particular. */
export async function bearerOf(request: FastifyRequest, verify: Verify, scope?: string): Promise<Bearer> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const verified = token === undefined ? { ok: false as const, reason: 'no token' } : await verify(token);
  if (!verified.ok) {
    request.log.info({ address: request.ip, reason: verified.reason }, 'request refused: unauthorized');
    return {
      ok: false,
      problem: problem('unauthorized', 401, 'send a valid token as Authorization: Bearer'),
    };
  }
  if (scope !== undefined && !verified.identity.scopes.includes(scope)) {
    return { ok: false, problem: problem('forbidden', 403, `the token lacks the scope ${scope}`) };
  }
  return { ok: true, identity: verified.identity };
}
