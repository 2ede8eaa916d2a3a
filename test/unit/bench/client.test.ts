/** The client of the benches: whatever ends it, it says so once. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { Client } from '../../../bench/support/client.ts';

let server: Server;
afterEach(() => void server.close());

test.for([
  ['refused', 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno'],
  ['cut off in its answer', 'HTTP/1.1 101 Switch'],
])('an upgrade that is %s is one failure', async ([, answer]) => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const failures: string[] = [];
  const upgraded = new Promise<Duplex>((resolve) => {
    server.once('upgrade', (_request, stream) => resolve(stream));
  });
  new Client({
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    path: '/',
    tokenIn: 'header',
    firstMessage: '42',
    offersDeflate: false,
    token: '',
    onNotification: () => {},
    onFailure: ({ message }) => void failures.push(message),
  });
  const stream = await upgraded;
  stream.end(answer);
  await once(stream, 'close');
  expect(failures).toHaveLength(1);
});
