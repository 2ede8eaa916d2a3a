/** Runs Carillon as its users do: the built program in a process of its own, on free ports. Tests can read its log. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { healthSchema } from '../../src/contract/health.ts';
import { signToken } from '../../src/operate/access/tokens.ts';
import { watchServer } from './contracts/watch.ts';
import { guard } from './guard.ts';
import { freePort } from './ports.ts';
import { until } from './until.ts';

export const JWT_SECRET = 'a-secret-for-tests-of-more-than-32-characters';

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;
/** A start usually takes a second, but half a minute on a busy machine. */
const START_TIMEOUT_MS = 80_000;

export interface CarillonProcess {
  readonly pid: number;
  /** The address of the API and of Socket.IO. Nothing listens there in a process that is only a consumer. */
  readonly url: string;
  readonly opsUrl: string;
  /** Everything that the process has written, by lines. */
  readonly output: readonly string[];
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
  /** Asks the process to stop, and resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Much longer than the start of a session takes on a busy machine, because the tests' clients connect only once. */
const HANDSHAKE_SECONDS = '15';

/** Runs the program with nothing but this environment, and waits until it is ready. */
export async function startCarillon(
  environment: Readonly<Record<string, string>>,
  openFiles?: number,
): Promise<CarillonProcess> {
  const carillon = await spawnCarillon(environment, openFiles);
  let hasEnded = false;
  void carillon.exited.then(() => {
    hasEnded = true;
  });
  const said = () => carillon.output.join('\n');
  try {
    await until('Carillon to be ready', START_TIMEOUT_MS, async () => {
      if (hasEnded) throw new Error('Carillon ended before it was ready');
      return await isReady(carillon);
    });
  } catch (error) {
    carillon.signal('SIGKILL');
    throw new Error(`${error instanceof Error ? error.message : error}:\n${said()}`, { cause: error });
  }
  return carillon;
}

/** Starts the program without waiting until it is ready. `openFiles` limits the number of files that it may open. */
export async function spawnCarillon(
  environment: Readonly<Record<string, string>>,
  openFiles?: number,
): Promise<CarillonProcess> {
  const port = environment.PORT ?? String(await freePort());
  const opsPort = environment.OPS_PORT ?? String(await freePort());
  await watchServer(`http://127.0.0.1:${port}`, `http://127.0.0.1:${opsPort}`);
  const command = [process.execPath, MAIN];
  const limited =
    openFiles === undefined ? command : ['sh', '-c', `ulimit -n ${openFiles}; exec "$0" "$@"`, ...command];
  const [program = '', ...args] = limited;
  const child = spawn(program, args, {
    env: { PORT: port, OPS_PORT: opsPort, HOST: '127.0.0.1', HANDSHAKE_SECONDS, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await once(child, 'spawn');
  const { pid = Number.NaN } = child;
  const dismissGuard = guard('kill -s KILL -- "$1"', String(pid));
  const { lines, ended } = linesOf(child);
  // The last lines may arrive after the process has ended.
  const exited = Promise.all([once(child, 'close'), ended]).then(() => {
    dismissGuard();
    return child.exitCode;
  });
  return {
    pid,
    url: `http://127.0.0.1:${port}`,
    opsUrl: `http://127.0.0.1:${opsPort}`,
    output: lines,
    exited,
    signal: (signal) => child.kill(signal),
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

export async function isReady({ opsUrl }: Pick<CarillonProcess, 'opsUrl'>): Promise<boolean> {
  const response = await fetch(`${opsUrl}/health/ready`).catch(() => undefined);
  return response?.status === 200;
}

/** What the health endpoint says of each part; empty while nothing listens there. */
export async function partsOf({ opsUrl }: Pick<CarillonProcess, 'opsUrl'>) {
  const response = await fetch(`${opsUrl}/health/ready`).catch(() => undefined);
  return response === undefined ? {} : (healthSchema.parse(await response.json()).parts ?? {});
}

/** Resolves when the process is ready; otherwise rejects with what it reports. */
export async function untilReady(carillon: CarillonProcess, what: string, timeoutMs: number): Promise<void> {
  try {
    await until(`readiness: ${what}`, timeoutMs, () => isReady(carillon));
  } catch (error) {
    const health = await fetch(`${carillon.opsUrl}/health/ready`).then(
      (response) => response.text(),
      (failure: unknown) => String(failure),
    );
    throw new Error(`not ready: ${health}\n${carillon.output.slice(-30).join('\n')}`, { cause: error });
  }
}

/** A token as the company's login service would sign it. */
export function tokenFor(user: string, claims: Record<string, unknown> = {}, seconds = 600): Promise<string> {
  return signToken({ secret: JWT_SECRET }, { sub: user, ...claims }, seconds);
}

function linesOf(child: ChildProcess) {
  const lines: string[] = [];
  const ended = [child.stdout, child.stderr].map(async (stream) => {
    if (stream === null) return;
    const reader = createInterface({ input: stream });
    reader.on('line', (line) => lines.push(line));
    await once(reader, 'close');
  });
  return { lines, ended: Promise.all(ended) };
}
