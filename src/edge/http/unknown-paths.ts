/**
 * Answers unknown paths with 404, or with 405 and `Allow` if the path has other methods. It does so before the body
 * is read: nobody may have a megabyte parsed for a path that does not exist.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { problem } from '../../contract/problem.ts';
import { sendProblem } from './problems.ts';

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** MUST be called before any route is added. */
export function answerUnknown(app: FastifyInstance): void {
  const known = new Map<string, KnownPath>();
  app.addHook('onRoute', ({ url, method }) => {
    // This route serves a page's files at `/`, and would match every path.
    if (url === '/*') return;
    const path = known.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    known.set(url, path);
    for (const one of [method].flat()) path.methods.add(one);
  });
  const answer = (request: FastifyRequest, reply: FastifyReply) => {
    // Without the query, which may hold something that the reader of the answer should not see.
    const path = request.url.replace(/\?.*$/s, '');
    const fitting = [...known.values()].filter(({ pattern }) => pattern.test(path));
    const methods = [...new Set(fitting.flatMap((one) => [...one.methods]))].sort();
    if (methods.length === 0 || methods.includes(request.method)) {
      return sendProblem(reply, problem('not_found', 404, `${request.method} ${path}`));
    }
    const allowed = methods.join(', ');
    reply.header('allow', allowed);
    return sendProblem(reply, problem('method_not_allowed', 405, `${path} is asked with ${allowed}`));
  };
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (request.is404) answer(request, reply);
    else done(null, payload);
  });
  // For files that do not exist.
  app.setNotFoundHandler(answer);
}

/**
 * Matches as the router does: `:name` is one step of a path, `*` is the rest, and a final slash makes no difference.
 */
function patternOf(url: string): RegExp {
  const steps = url.replace(/\/$/, '').split(/(:\w+|\*)/);
  const source = steps.map((part, i) => {
    if (i % 2 === 1) return part === '*' ? '.*' : '[^/]+';
    return part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}/?$`);
}
