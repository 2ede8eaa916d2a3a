/** Finds free ports on loopback, and checks whether anything listens on a port. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

// Below the range of ports that systems use for outgoing connections (Linux from 32768, macOS from 49152). From that
// range, another connection could take a server's port while the server restarts. And a client that keeps reconnecting
// to the closed port would at some time connect to itself.
const lowestPort = 20_000;
const highestPort = 32_000;

/**
 * Reserves the port's number for as long as this process lives. No other test file then chooses it before a server
 * listens there, or while the server restarts. Uses UDP, because the server needs the TCP port.
 */
function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4').unref();
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => resolve(true));
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowestPort, highestPort);
    if ((await reserve(port)) && (await canListen(port))) return port;
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
