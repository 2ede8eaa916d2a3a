/**
 * What is answered where nothing is: 404, or 405 with `Allow` where something is that is asked with other methods. Before
 * the body is read: nobody may have a megabyte parsed for what is not there.
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
    // Files of a page at `/`: every path would be known.
    if (url === '/*') return;
    const path = known.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    known.set(url, path);
    for (const one of [method].flat()) path.methods.add(one);
  });
  const answer = (request: FastifyRequest, reply: FastifyReply) => {
    // Without the query: what is in it is not for whoever reads the answer.
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
  // Files that are not there.
  app.setNotFoundHandler(answer);
}

/** As the router has it: `:name` is one step of a path, `*` the rest, and a slash at the end tells nothing apart. */
function patternOf(url: string): RegExp {
  const steps = url.replace(/\/$/, '').split(/(:\w+|\*)/);
  const source = steps.map((part, i) => {
    if (i % 2 === 1) return part === '*' ? '.*' : '[^/]+';
    return part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}/?$`);
}
