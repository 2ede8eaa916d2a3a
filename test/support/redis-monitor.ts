/**
 * Listens to every command that a Redis gets. It reads the connection itself: ioredis fails when a command arrives in
 * the same chunk as the answer to MONITOR ("Command queue state error").
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/**
 * Listens until the test ends. Resolves when it has begun to listen. Quotes and control characters in arguments stay
 * escaped.
 */
export async function monitorRedis(
  url: string,
  onCommand: (command: readonly string[]) => void,
): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  const lines = createInterface({ input: socket });
  socket.write('MONITOR\r\n');
  const [answer] = await once(lines, 'line');
  if (answer !== '+OK') throw new Error(`Redis does not let itself be monitored: ${answer}`);
  lines.on('line', (line) => {
    onCommand([...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, argument = '']) => argument));
  });
}
