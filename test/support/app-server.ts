/**
 * A company's web app for tests: one page with a bundled script, and tokens like those of the company's login service.
 */
import { createServer } from 'node:http';
import { build } from 'esbuild';
import { tokenFor } from './carillon.ts';

export interface AppServer {
  readonly origin: string;
  /** The tokens that `/token` has returned, one for each request. */
  readonly tokensGiven: readonly string[];
  close(): Promise<void>;
}

interface App {
  /** TypeScript and JSX. Relative imports start at test/e2e. */
  readonly script: string;
  readonly body?: string;
  /** How long each token is valid. */
  readonly lifeSeconds?: number;
}

/** `GET /token?user=ada` returns a token; any other path returns the page. The caller MUST close the server. */
export async function serveApp({ script, body = '', lifeSeconds = 600 }: App): Promise<AppServer> {
  const bundle = await build({
    stdin: { contents: script, resolveDir: new URL('../e2e', import.meta.url).pathname, loader: 'tsx' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    jsx: 'automatic',
  });
  const code = bundle.outputFiles[0]?.text ?? '';
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" /><link rel="icon" href="data:," />
<title>App</title></head><body>${body}<script type="module" src="/app.js"></script></body></html>`;
  const tokensGiven: string[] = [];
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://app');
    if (pathname === '/token') {
      const token = await tokenFor(searchParams.get('user') ?? '', { topics: ['*'] }, lifeSeconds);
      tokensGiven.push(token);
      response.end(token);
      return;
    }
    response.setHeader('content-type', pathname === '/app.js' ? 'text/javascript' : 'text/html');
    response.end(pathname === '/app.js' ? code : page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    tokensGiven,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
