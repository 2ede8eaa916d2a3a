/** Runs the measured process, gateway and consumer in one, on a core of its own where there are two. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { freePort } from '../../../test/support/ports.ts';
import { until } from '../../../test/support/until.ts';
import { isPinned, SERVER_CORE } from '../../support/cores.ts';
import { JWT_SECRET } from '../../support/crowd.ts';

const MAIN = new URL('../../../dist/main.js', import.meta.url).pathname;
const PROBE = new URL('./probe.mjs', import.meta.url).pathname;
const READY_TIMEOUT_MS = 30_000;

const usageSchema = z.object({
  rssBytes: z.number(),
  heapBytes: z.number(),
  /** Memory of buffers, including those that wait to be sent to clients. */
  externalBytes: z.number(),
  cpuMicros: z.number(),
  /** The 99th percentile of the event loop's delay since {@link MeasuredGateway.begin}. */
  loopDelayMs: z.number(),
});

export type Usage = z.infer<typeof usageSchema>;

export class MeasuredGateway {
  readonly url: string;
  readonly port: number;
  readonly #opsUrl: string;
  readonly #child: ChildProcess;
  /** Keeps questions in order, one at a time. */
  #asking: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess, port: number, opsPort: number) {
    this.#child = child;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#opsUrl = `http://127.0.0.1:${opsPort}`;
  }

  /** Resolves when the gateway is ready. */
  static async start(redisUrl: string, amqpUrl: string): Promise<MeasuredGateway> {
    const [port, opsPort] = [await freePort(), await freePort()];
    // The same V8 setting as in the image, the units and `npm start`.
    const node = ['--v8-pool-size=0', '--expose-gc', '--import', PROBE];
    const child = fork(MAIN, [], {
      ...(isPinned
        ? { execPath: 'taskset', execArgv: ['-c', SERVER_CORE, process.execPath, ...node] }
        : { execArgv: node }),
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        PORT: String(port),
        OPS_PORT: String(opsPort),
        REDIS_URL: redisUrl,
        AMQP_URL: amqpUrl,
        JWT_SECRET,
        LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const gateway = new MeasuredGateway(child, port, opsPort);
    await until('the gateway to be ready', READY_TIMEOUT_MS, async () => {
      if (child.exitCode !== null) throw new Error('the gateway ended before it was ready');
      const response = await fetch(`${gateway.#opsUrl}/health/ready`).catch(() => undefined);
      return response?.status === 200;
    });
    return gateway;
  }

  usage(): Promise<Usage> {
    return this.#ask('usage');
  }

  /** Starts a new measurement of the event loop's delay. */
  begin(): Promise<Usage> {
    return this.#ask('begin');
  }

  /** The gateway's usage after a garbage collection. */
  usageCollected(): Promise<Usage> {
    return this.#ask('collect');
  }

  async connected(): Promise<number> {
    const line = /^carillon_connected_sockets (\d+)/m.exec(await this.#metrics());
    if (line === null) throw new Error('the gateway says nothing of connected sockets');
    return Number(line[1]);
  }

  /** How many connections the gateway has refused or closed, by outcome and code. */
  async endings(): Promise<ReadonlyMap<string, number>> {
    const pattern = /^carillon_connections_total\{outcome="(accepted|refused|closed)",code="(\w*)"\} (\d+)/gm;
    const found = (await this.#metrics()).matchAll(pattern);
    const counted = Array.from(found, ([, outcome = '', code = '', count]) => {
      return { outcome, code, count: Number(count) };
    });
    // At least the good clients were accepted. If none is counted, the metric has changed.
    if (!counted.some(({ outcome, count }) => outcome === 'accepted' && count > 0))
      throw new Error('the gateway says nothing of accepted connections');
    return new Map(
      counted
        .filter(({ outcome }) => outcome !== 'accepted')
        .map(({ outcome, code, count }) => [`${outcome} ${code || 'without a code'}`, count]),
    );
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #metrics(): Promise<string> {
    return await (await fetch(`${this.#opsUrl}/metrics`)).text();
  }

  #ask(question: 'usage' | 'begin' | 'collect'): Promise<Usage> {
    const answer = this.#asking.then(async () => {
      const answered = once(this.#child, 'message');
      this.#child.send(question);
      const [usage] = await answered;
      return usageSchema.parse(usage);
    });
    this.#asking = answer;
    return answer;
  }
}
