/** The consumer processes for one number of partitions: as many processes as partitions, with one partition each. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOwnProcess } from '../../../test/support/own-process.ts';
import { freePort } from '../../../test/support/ports.ts';
import type { ServerProcess } from '../../../test/support/server.ts';
import { until } from '../../../test/support/until.ts';
import { JWT_SECRET } from '../../support/crowd.ts';
import { cpuMicrosOf } from '../../support/process-cpu.ts';

const MAIN = new URL('../../../dist/main.js', import.meta.url).pathname;
const START_TIMEOUT_MS = 30_000;
/** Every five seconds, a process hands one of its queues to the others. */
const SPREAD_TIMEOUT_MS = 60_000;

interface ConsumerProcess {
  readonly process: ServerProcess;
  readonly opsUrl: string;
}

export class Consumers {
  readonly #processes: ConsumerProcess[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'carillon-partitions-'));

  /** Resolves when all are ready. Some may not have a partition yet: see {@link spread}. */
  static async start(count: number, amqpUrl: string, redisUrl: string): Promise<Consumers> {
    const consumers = new Consumers();
    try {
      // One after the other: each process that finds no queues in RabbitMQ declares all of them.
      for (let at = 0; at < count; at += 1)
        consumers.#processes.push(
          await consumers.#startOne(String(at), {
            PARTITIONS: String(count),
            AMQP_URL: amqpUrl,
            REDIS_URL: redisUrl,
          }),
        );
    } catch (error) {
      await consumers.stop();
      throw error;
    }
    return consumers;
  }

  /** User and system time of all processes together. */
  get cpuMicros(): number {
    return this.#processes.reduce((sum, { process: { pid } }) => sum + cpuMicrosOf(pid), 0);
  }

  /**
   * Resolves when each process has one partition. `nudge` MUST publish an event to each partition: nobody knows which
   * process has a partition before an event has come through it.
   */
  async spread(nudge: () => Promise<void>): Promise<void> {
    await until('each consumer to have one partition', SPREAD_TIMEOUT_MS, async () => {
      await nudge();
      const counts = await Promise.all(this.#processes.map(({ opsUrl }) => activeQueues(opsUrl)));
      return counts.every((count) => count === 1);
    });
  }

  /** Freezes the processes: they take no events, but their code stays warm. */
  async pause(): Promise<void> {
    for (const { process } of this.#processes) await process.pause();
  }

  async resume(): Promise<void> {
    for (const { process } of this.#processes) await process.resume();
  }

  async stop(): Promise<void> {
    for (const { process } of this.#processes) await process.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #startOne(name: string, environment: Readonly<Record<string, string>>): Promise<ConsumerProcess> {
    const [port, opsPort] = [await freePort(), await freePort()];
    const opsUrl = `http://127.0.0.1:${opsPort}`;
    const started = await startOwnProcess({
      command: process.execPath,
      // The same V8 setting as in the image, the units and `npm start`.
      args: ['--v8-pool-size=0', MAIN],
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        ROLES: 'consumer',
        HOST: '127.0.0.1',
        PORT: String(port),
        OPS_PORT: String(opsPort),
        JWT_SECRET,
        LOG_LEVEL: 'warn',
        ...environment,
      },
      folder: this.#folder,
      logFile: join(this.#folder, `${name}.log`),
      startTimeoutMs: START_TIMEOUT_MS,
      isReady: async () => {
        const response = await fetch(`${opsUrl}/health/ready`).catch(() => undefined);
        await response?.arrayBuffer();
        return response?.status === 200;
      },
    });
    return { process: started, opsUrl };
  }
}

async function activeQueues(opsUrl: string): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  return [...text.matchAll(/^carillon_consumer_queue_active\{[^}]*\} 1$/gm)].length;
}
