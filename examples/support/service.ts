/** A Carillon of the story's own: the built program as a child process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const READY_TIMEOUT_MS = 80_000;

export type Environment = Readonly<Record<string, string | undefined>>;

interface ServiceOptions {
  /** Where AMQP_URL and REDIS_URL are, or are not. */
  readonly environment: Environment;
  readonly settings: Readonly<Record<string, string>>;
}

/** Resolves when it is ready at the address. */
export async function startCarillon(url: string, { environment, settings }: ServiceOptions) {
  const { AMQP_URL = '', REDIS_URL = '' } = environment;
  const child = spawn(process.execPath, [MAIN], {
    env: {
      HOST: '127.0.0.1',
      PORT: new URL(url).port,
      OPS_PORT: String(await freePort()),
      LOG_LEVEL: 'warn',
      AMQP_URL,
      REDIS_URL,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A Ctrl-C in the terminal is for the story alone, which then stops this in its turn.
    detached: true,
  });
  // Its greeting would be taken for the story's; its log has lines of JSON.
  createInterface({ input: child.stdout }).on('line', (line) => line.startsWith('{') && console.error(line));
  const exited = once(child, 'exit');
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const close = async () => {
    child.kill('SIGTERM');
    await exited;
    process.off('exit', kill);
  };

  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isReady(url))) {
    if (child.exitCode !== null) throw new Error('Carillon did not start. Is it built (npm run build)?');
    if (Date.now() > deadline) {
      await close();
      throw new Error(`Carillon was not ready after ${READY_TIMEOUT_MS} ms.`);
    }
    await pause(50);
  }
  return { close };
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/health/ready`).catch(() => undefined);
  return response?.status === 200;
}
