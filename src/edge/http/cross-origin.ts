/**
 * Lets pages of ALLOWED_ORIGINS use a route (CORS), as they may connect over Socket.IO. Pages send their tokens in a
 * header that they write themselves. So this grants nobody access who had none: it only lets such pages send that
 * header and read the answer. Pages of other origins get no CORS headers, and their browsers keep the answer from
 * them.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { problem } from '../../contract/problem.ts';
import { problemResponses, sendProblem } from './problems.ts';

/** The headers that a page may read, besides the body. */
const EXPOSED = 'retry-after, www-authenticate';
const SENT = 'authorization, content-type';
/** How long a browser may cache the preflight; none keeps it for more than two hours. */
const KEPT_SECONDS = 7_200;

const PREFLIGHT = {
  tags: ['inbox'],
  summary: 'Whether a page of another origin may ask (CORS): browsers find out before they do.',
  response: {
    204: z.null().describe('A page of this origin may.'),
    ...problemResponses('origin'),
  },
};

type OnRequest = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Serves the preflight of a route. The route MUST have what this returns as its first onRequest hook. */
export type CrossOrigin = (app: FastifyInstance, url: string, method: 'GET' | 'POST') => OnRequest;

export function crossOriginFor(allowedOrigins: readonly string[]): CrossOrigin {
  const isAny = allowedOrigins.includes('*');
  const allows = ({ origin }: FastifyRequest['headers']) =>
    origin !== undefined && (isAny || allowedOrigins.includes(origin));

  function allowOrigin(request: FastifyRequest, reply: FastifyReply): boolean {
    // Any answer would be different for another origin.
    reply.header('vary', 'Origin');
    const { origin } = request.headers;
    if (!allows(request.headers)) return false;
    reply.header('access-control-allow-origin', isAny ? '*' : origin);
    return true;
  }

  return (app, url, method) => {
    app.options(url, { schema: PREFLIGHT }, (request, reply) => {
      if (!allowOrigin(request, reply)) {
        return sendProblem(reply, problem('origin', 403, 'a page of this origin may not ask'));
      }
      reply.header('access-control-allow-methods', method);
      reply.header('access-control-allow-headers', SENT);
      reply.header('access-control-max-age', String(KEPT_SECONDS));
      return reply.code(204).send();
    });
    return async (request, reply) => {
      if (allowOrigin(request, reply)) reply.header('access-control-expose-headers', EXPOSED);
    };
  };
}
