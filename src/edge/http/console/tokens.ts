/** `POST /console/tokens`: makes a token for one of the console's devices, with the service's own key. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { tokenAnswerSchema, tokenRequestSchema } from '../../../contract/console.ts';
import { problem } from '../../../contract/problem.ts';
import { SCOPE_CODES } from '../bearer.ts';
import { problemResponses, sendProblem } from '../problems.ts';

/** Makes a token from claims that is valid for so many seconds. */
export type Sign = (claims: Record<string, unknown>, seconds: number) => Promise<string>;

export interface TokensOptions {
  /** Undefined when the service has no signing key. */
  readonly sign: Sign | undefined;
}

const HOUR_SECONDS = 3_600;

export function serveTokens(app: FastifyInstance, { sign }: TokensOptions): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    '/console/tokens',
    {
      config: {
        adminCall: {
          action: 'console.token',
          scopes: ['admin'],
          recorded: ['user', 'departments', 'topics', 'publish'],
        },
      },
      schema: {
        hide: true,
        body: tokenRequestSchema,
        response: {
          200: tokenAnswerSchema,
          ...problemResponses('bad_request', ...SCOPE_CODES, 'cannot_sign'),
        },
      },
    },
    async ({ body: { user, ...claims } }, reply) => {
      if (sign === undefined) {
        const why = 'tokens are verified with JWKS_URL: get one where your users get theirs';
        return sendProblem(reply, problem('cannot_sign', 409, why));
      }
      const expiresAt = new Date(Date.now() + HOUR_SECONDS * 1000).toISOString();
      return { token: await sign({ sub: user, ...claims }, HOUR_SECONDS), expiresAt };
    },
  );
}
