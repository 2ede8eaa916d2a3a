/** A reverse proxy that serves a server under a path, like nginx with `location /notify/ { proxy_pass http://…/; }`. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';

export interface PrefixProxy {
  /** With the path prefix. */
  readonly url: string;
  /** Closes the proxy with all of its connections. */
  close(): Promise<void>;
}

export async function startPrefixProxy(serverUrl: string, prefix: string): Promise<PrefixProxy> {
  const { hostname, port } = new URL(serverUrl);
  const pathOf = ({ url = '' }: IncomingMessage) =>
    url.startsWith(`${prefix}/`) ? url.slice(prefix.length) : undefined;
  const server = createServer((asked, answer) => {
    const path = pathOf(asked);
    if (path === undefined) {
      answer.writeHead(404).end();
      return;
    }
    const { method, headers } = asked;
    const passed = request({ hostname, port, path, method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    asked.pipe(passed);
  });
  server.on('upgrade', (asked: IncomingMessage, client, head) => {
    const path = pathOf(asked);
    if (path === undefined) {
      client.end('HTTP/1.1 404 Not Found\r\n\r\n');
      return;
    }
    const upstream = connect(Number(port), hostname);
    const lines = asked.rawHeaders.flatMap((name, i, all) => (i % 2 === 0 ? [`${name}: ${all[i + 1]}`] : []));
    upstream.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      one?.on('error', () => other?.destroy());
      one?.on('close', () => other?.destroy());
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}${prefix}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
