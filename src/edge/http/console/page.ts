/** Serves the console's page from the files that the build wrote. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import staticFiles from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface PageOptions {
  /** `/` or `/console/`. */
  readonly pagePath: string;
  /** The port of the gateway that the page connects its devices to, if it is not the page's own. */
  readonly gatewayPort: () => number | null;
  /** The folder with the files. */
  readonly files: URL;
}

export function servePage(app: FastifyInstance, options: PageOptions): void {
  const { pagePath, gatewayPort, files } = options;
  app.register(async (scope) => {
    // The parent's hook runs first, so the header that this extends is already there.
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
    // The router treats both paths alike, but relative addresses in the page need the slash.
    scope.get(pagePath.slice(0, -1), { schema: { hide: true } }, async (request, reply) => {
      const { pathname } = new URL(request.url, 'http://localhost');
      return pathname.endsWith('/') ? reply.sendFile('index.html') : reply.redirect(pagePath);
    });
  });
}

/** Polling the gateway is a request to another origin: the same host, another port. */
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
