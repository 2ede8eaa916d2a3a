/**
 * The demo page of embedded mode, and the tokens that it uses. The tokens are handed to anybody who asks: the
 * configuration keeps embedded mode on loopback.
 */
import staticFiles from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { audienceIdSchema } from '../contract/audience.ts';

const querySchema = z.object({
  user: audienceIdSchema,
  departments: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((department) => department !== ''))
    .pipe(z.array(audienceIdSchema)),
});

const HOUR_SECONDS = 3_600;

/** `sign` makes a token from claims that is valid for so many seconds. */
export function serveDemo(
  app: FastifyInstance,
  sign: (claims: Record<string, unknown>, seconds: number) => Promise<string>,
): void {
  app.register(staticFiles, { root: new URL('../../web/', import.meta.url) });
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.get('/demo/token', { schema: { hide: true, querystring: querySchema } }, async (request) => {
    const { user, departments } = request.query;
    const claims = { sub: user, departments, topics: ['*'], publish: ['*'], scope: 'events:write' };
    return { token: await sign(claims, HOUR_SECONDS) };
  });
}
