/**
 * Stands for oauth2-proxy: logs a browser in with a cookie, and adds the token of who it is to what it passes on. It obeys
 * the settings of oauth2-proxy's file that docs/console.md shows.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

export interface LoginProxyOptions {
  /** The text of oauth2-proxy's file. */
  readonly settings: string;
  /** Where its upstream really is. */
  readonly upstream: string;
  /** The token of whoever is logged in. */
  readonly token: () => Promise<string>;
}

export interface LoginProxy {
  readonly origin: string;
  /** Ends all logins. */
  logOut(): void;
  /** Closes the proxy with all of its connections. */
  close(): Promise<void>;
}

export async function startLoginProxy({ settings, upstream, token }: LoginProxyOptions): Promise<LoginProxy> {
  const [, upstreams = ''] = /^upstreams = (\[.*\])$/m.exec(settings) ?? [];
  const addresses: readonly string[] = JSON.parse(upstreams);
  const paths = addresses.map((address) => new URL(address).pathname);
  const passesToken = /^pass_authorization_header = true$/m.test(settings);
  const { hostname, port } = new URL(upstream);
  let session = 1;

  async function pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { authorization: _replaced, ...headers } = asked.headers;
    const { remoteAddress = '' } = asked.socket;
    const passed = request(
      {
        hostname,
        port,
        path: asked.url,
        method: asked.method,
        headers: {
          ...headers,
          'x-forwarded-for': [headers['x-forwarded-for'] ?? [], remoteAddress].flat().join(', '),
          ...(passesToken ? { authorization: `Bearer ${await token()}` } : {}),
        },
      },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      },
    );
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    asked.pipe(passed);
  }

  const server = createServer((asked, answer) => {
    const { url = '', headers } = asked;
    if (url.startsWith('/oauth2/start')) {
      const back = new URL(url, upstream).searchParams.get('rd') ?? '/';
      answer.writeHead(302, { location: back, 'set-cookie': `session=${session}; HttpOnly; Path=/` }).end();
    } else if (headers.cookie !== `session=${session}`) {
      const accepted = (headers.accept ?? '').split(',').map((type) => type.trim());
      if (accepted.includes('application/json'))
        answer.writeHead(401, { 'content-type': 'application/json' }).end('{}');
      else
        answer
          .writeHead(403, { 'content-type': 'text/html' })
          .end(`<a href="/oauth2/start?rd=${encodeURIComponent(url)}">Sign in</a>`);
    } else if (!paths.some((path) => url.startsWith(path)))
      answer.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>');
    else void pass(asked, answer);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    logOut: () => {
      session += 1;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
