/** Who asks over HTTP: the bearer token of a request, verified, or the problem to answer with. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Problem, problem } from '../../contract/problem.ts';
import { type Identity, noToken, type Verify } from '../../contract/token.ts';
import { visible } from '../../contract/visible.ts';
import { sendProblem } from './problems.ts';

type Bearer =
  | { readonly ok: true; readonly identity: Identity; readonly scope: string | undefined }
  /** `identity`: of a token that is valid, and does not allow it. */
  | { readonly ok: false; readonly problem: Problem; readonly identity: Identity | undefined };

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

/** `sufficient`: scopes of which the token must have one; none: any token will do. */
export function admission(verify: Verify, ...sufficient: readonly string[]): BearerCheck {
  const admitted = new WeakMap<FastifyRequest, Identity>();
  return {
    admit: async (request, reply) => {
      const bearer = await bearerOf(request, verify, sufficient);
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

/** A problem names the first of the scopes, so the least MUST come first. */
export async function bearerOf(
  request: FastifyRequest,
  verify: Verify,
  sufficient: readonly string[],
): Promise<Bearer> {
  const token = tokenIn(request);
  const verified = token === undefined ? noToken : await verify(token);
  if (!verified.ok) {
    request.log.info(
      { address: request.clientAddress, reason: verified.reason },
      `request refused: ${verified.code}`,
    );
    const refusal = refusals[verified.code];
    const { detail } = verified;
    const found = detail === undefined ? refusal : { ...refusal, detail: visible(detail) };
    return { ok: false, problem: found, identity: undefined };
  }
  const { identity } = verified;
  const scope = sufficient.find((one) => identity.scopes.includes(one));
  const [least] = sufficient;
  if (least === undefined || scope !== undefined) return { ok: true, identity, scope };
  const lacking = { ...problem('forbidden', 403, `the token lacks the scope ${least}`), scope: least };
  return { ok: false, problem: lacking, identity };
}

export function tokenIn({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}
