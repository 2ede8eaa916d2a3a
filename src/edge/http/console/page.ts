/** The console's page: the files that were built for it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import staticFiles from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface PageOptions {
  /** `/` or `/console/`. */
  readonly pagePath: string;
  /** Where the page connects its devices, when that is not where it is from. */
  readonly gatewayPort: () => number | null;
  /** The folder with the files. */
  readonly files: URL;
}

export function servePage(app: FastifyInstance, options: PageOptions): void {
  const { pagePath, gatewayPort, files } = options;
  app.register(async (scope) => {
    // A later hook of the parent's comes first: the header is there to be widened.
    scope.addHook('onRequest', async (request, reply) => allowGateway(request, reply, gatewayPort()));
    if (!existsSync(new URL('index.html', files))) {
      app.log.warn({ folder: fileURLToPath(files) }, 'the console is not built, its page is missing');
      scope.get(pagePath, { schema: { hide: true } }, async (_request, reply) =>
        reply.type('text/plain').send('The console is not built: run `npm run build`, then start again.\n'),
      );
      return;
    }
    await scope.register(staticFiles, { root: fileURLToPath(files), prefix: pagePath });
    if (pagePath === '/') return;
    // The router does not tell the two apart, but relative addresses in the page do.
    scope.get(pagePath.slice(0, -1), { schema: { hide: true } }, async (request, reply) => {
      const { pathname } = new URL(request.url, 'http://localhost');
      return pathname.endsWith('/') ? reply.sendFile('index.html') : reply.redirect(pagePath);
    });
  });
}

/** Polling is a request to another origin: same host, another port. */
function allowGateway(request: FastifyRequest, reply: FastifyReply, port: number | null): void {
  const policy = reply.getHeader('content-security-policy');
  const own = `http://${request.headers.host}`;
  if (port === null || typeof policy !== 'string' || !URL.canParse(own)) return;
  const { hostname, port: ownPort } = new URL(own);
  if (ownPort === String(port)) return;
  const gateway = `http://${hostname}:${port} https://${hostname}:${port}`;
  reply.header(
    'content-security-policy',
    policy.replace("connect-src 'self'", `connect-src 'self' ${gateway}`),
  );
}
