/**
 * Gives tokens for examples and tests to anybody, in embedded mode only. The configuration keeps that mode on
 * loopback.
 */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { audienceIdSchema } from '../../contract/audience.ts';

const querySchema = z.object({
  user: audienceIdSchema,
  departments: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
    .pipe(z.array(audienceIdSchema)),
  /** What the token allows over HTTP; `admin` is for OPS_PORT. */
  scope: z.enum(['events:write', 'admin']).default('events:write'),
});

const HOUR_SECONDS = 3_600;

/** `sign` makes a token from claims that is valid for so many seconds. */
export function serveDemo(
  app: FastifyInstance,
  sign: (claims: Record<string, unknown>, seconds: number) => Promise<string>,
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.get('/demo/token', { schema: { hide: true, querystring: querySchema } }, async (request) => {
    const { user, departments, scope } = request.query;
    const claims = { sub: user, departments, topics: ['*'], publish: ['*'], scope };
    return { token: await sign(claims, HOUR_SECONDS) };
  });
}
