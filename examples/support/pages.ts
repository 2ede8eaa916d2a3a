/** Builds a story's page with Vite and serves it, and what the page asks of the story's own services. Loopback only. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { freePort } from './free-port.ts';

/** Given what the page sent, parsed; what it returns, or the message of what it throws, is sent back. */
export type Answer = (body: unknown) => unknown;

export interface PageServer {
  readonly url: string;
  answer(name: string, answer: Answer): void;
  close(): Promise<void>;
}

interface PageOptions {
  /** The folder in examples/. */
  readonly story: string;
  /** Whom the page says that it is for is believed: a real login service would ask for more than a name. */
  readonly login: (user: string) => Promise<{ readonly url: string; readonly token: string }>;
  /** 0: a free one. */
  readonly port: number;
}

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The package's own sources, as the built ones are called by whoever has it installed. */
const alias = {
  // The longer names first: the short one is the beginning of both.
  'carillon-client/bell': fromHere('../../src/clients/bell/bell.ts'),
  'carillon-client/react': fromHere('../../src/clients/react/use-carillon.ts'),
  'carillon-client': fromHere('../../src/clients/client/connect.ts'),
};

export async function servePages({ story, login, port: wanted }: PageOptions): Promise<PageServer> {
  const port = wanted || (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const files = await buildPage(story);
  const answers = new Map<string, Answer>();
  const server = createServer((request, response) => {
    const asked = `${url}${request.url}`;
    const { pathname, searchParams } = new URL(URL.canParse(asked) ? asked : url);
    const path = pathname === '/' ? '/index.html' : pathname;
    const file = files.get(path);
    if (pathname === '/login') void respond(response, () => login(searchParams.get('user') ?? ''));
    else if (pathname.startsWith(ASK)) {
      const answer = answers.get(pathname.slice(ASK.length));
      void respond(response, async () => {
        if (answer === undefined) throw new Error('nobody answers this');
        return await answer(await bodyOf(request));
      });
    } else if (file === undefined) response.writeHead(404).end();
    else response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream').end(file);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url,
    answer: (name, answer) => void answers.set(name, answer),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const ASK = '/ask/';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * What the page consists of, by path. Built, and not served by Vite's own servers: the development server's client
 * loads a page again that was offline, and both of them end the process at SIGTERM before the story has stopped.
 */
async function buildPage(story: string): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const built = await build({
    configFile: false,
    root: fromHere(`../${story}`),
    logLevel: 'warn',
    resolve: { alias },
    // Not told on a busy machine how long it took.
    build: { write: false, rolldownOptions: { checks: { pluginTimings: false } } },
  });
  if (!('output' in built)) throw new Error('the page was not built at once');
  return new Map(
    built.output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]),
  );
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const body = await text(request);
  return body === '' ? undefined : JSON.parse(body);
}

async function respond(response: ServerResponse, make: () => Promise<unknown>): Promise<void> {
  response.setHeader('content-type', 'application/json');
  try {
    response.end(JSON.stringify((await make()) ?? null));
  } catch (error) {
    response.statusCode = 400;
    response.end(JSON.stringify({ message: error instanceof Error ? error.message : String(error) }));
  }
}
