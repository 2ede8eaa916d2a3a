/** Who asks over HTTP: the bearer token of a request, verified, or the problem to answer with. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Problem, problem } from '../../contract/problem.ts';
import { type Identity, noToken, type Verify } from '../../contract/token.ts';
import { visible } from '../../contract/visible.ts';
import { sendProblem } from './problems.ts';

type Bearer =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly problem: Problem };

const refusals = {
  unauthorized: problem('unauthorized', 401, 'send a valid token as Authorization: Bearer'),
  unavailable: problem('keys_unavailable', 503, 'the token cannot be checked now; send the same again later'),
} as const;

/** How whoever has no token that will do is answered, and where it has to have a scope. */
export const TOKEN_CODES = ['unauthorized', 'keys_unavailable'] as const;
export const SCOPE_CODES = [...TOKEN_CODES, 'forbidden'] as const;

/** Who asks on the routes that have `admit` as their onRequest hook: refuses all others. */
export interface BearerCheck {
  /** Before the body is read: who may not ask cannot make this process hold a megabyte for it. */
  admit(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined>;
  identityOf(request: FastifyRequest): Identity;
}

/** `scope`: what the token must allow, if anything in particular. */
export function admission(verify: Verify, scope?: string): BearerCheck {
  const admitted = new WeakMap<FastifyRequest, Identity>();
  return {
    admit: async (request, reply) => {
      const bearer = await bearerOf(request, verify, scope);
      if (!bearer.ok) return sendProblem(reply, bearer.problem);
      admitted.set(request, bearer.identity);
      return undefined;
    },
    identityOf: (request) => {
      const identity = admitted.get(request);
      if (identity === undefined) throw new Error('nobody has verified who asks');
      return identity;
    },
  };
}

export async function bearerOf(request: FastifyRequest, verify: Verify, scope?: string): Promise<Bearer> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const verified = token === undefined ? noToken : await verify(token);
  if (!verified.ok) {
    request.log.info(
      { address: request.clientAddress, reason: verified.reason },
      `request refused: ${verified.code}`,
    );
    const refusal = refusals[verified.code];
    const { detail } = verified;
    return { ok: false, problem: detail === undefined ? refusal : { ...refusal, detail: visible(detail) } };
  }
  if (scope !== undefined && !verified.identity.scopes.includes(scope)) {
    return { ok: false, problem: problem('forbidden', 403, `the token lacks the scope ${scope}`) };
  }
  return { ok: true, identity: verified.identity };
}
