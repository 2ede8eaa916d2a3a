/** Loopback ports: choose a free one, and ask whether anything listens on one. */
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

// Below the ports that systems give to outgoing connections (Linux from 32768, macOS from 49152). From that
// range, another connection could take a server's port while it restarts, and a client that keeps
// reconnecting to the closed port would at some time connect to itself.
const lowestPort = 20_000;
/**
 * Who chooses a port binds it some moments later, in another process: test files that run at the same time MUST NOT
 * choose the same one meanwhile, so that each worker has ports of its own. The first are those of the global setup.
 */
const portsOfAWorker = 1_000;
const workers = 12;

const chosen = new Set<number>();

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export async function freePort(): Promise<number> {
  const first = lowestPort + (Number(process.env.VITEST_POOL_ID ?? 0) % workers) * portsOfAWorker;
  for (;;) {
    const port = randomInt(first, first + portsOfAWorker);
    if (chosen.has(port)) continue;
    chosen.add(port);
    if (await canListen(port)) return port;
  }
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
