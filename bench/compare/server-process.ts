/** Runs the measured server in a process of its own, on a core of its own where there are two, and asks it over IPC. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { until } from '../../test/support/until.ts';

const READY_TIMEOUT_MS = 30_000;
const PROBE = new URL('probe.js', import.meta.url).pathname;

const usageSchema = z.object({ cpuMicros: z.number(), rssBytes: z.number(), heapBytes: z.number() });

export type Usage = z.infer<typeof usageSchema>;

export interface ServerOptions {
  readonly program: string;
  /** On `PORT`, the server MUST answer `GET /health/ready` with 200 when it is ready. */
  readonly environment: Readonly<Record<string, string>> & { readonly PORT: string };
  readonly core: string | undefined;
  readonly logFile: string;
}

export class ServerProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when the server is ready. */
  static async start({ program, environment, core, logFile }: ServerOptions): Promise<ServerProcess> {
    const log = openSync(logFile, 'w');
    const node = ['--expose-gc', '--import', PROBE];
    const child = fork(program, [], {
      ...(core === undefined
        ? { execArgv: node }
        : { execPath: 'taskset', execArgv: ['-c', core, process.execPath, ...node] }),
      env: { PATH: process.env.PATH, NODE_ENV: 'production', ...environment },
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    const server = new ServerProcess(child);
    try {
      await until(`${program} to be ready`, READY_TIMEOUT_MS, async () => {
        if (child.exitCode !== null) throw new Error(`${program} ended before it was ready`);
        return await isReady(environment.PORT);
      });
    } catch (error) {
      await server.stop();
      throw new Error(`${program} wrote:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`, { cause: error });
    }
    return server;
  }

  usage(): Promise<Usage> {
    return this.#ask('usage');
  }

  /** The server's usage after a garbage collection. */
  usageCollected(): Promise<Usage> {
    return this.#ask('collect');
  }

  async stop(): Promise<void> {
    await this.#kill('SIGKILL');
  }

  /** Ends the server as a deploy does, so that it can say goodbye to its clients. */
  async end(): Promise<void> {
    await this.#kill('SIGTERM');
  }

  async #kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }

  async #ask(question: 'usage' | 'collect'): Promise<Usage> {
    const answered = once(this.#child, 'message');
    this.#child.send(question);
    const [answer] = await answered;
    return usageSchema.parse(answer);
  }
}

async function isReady(port: string): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.status === 200;
}
