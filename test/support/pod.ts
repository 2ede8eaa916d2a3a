/**
 * Runs a pod of the rendered chart as a kubelet would: the image's entry point with the container's environment, ConfigMaps as
 * files, probes, and the way to its end. What differs on this machine: ports are free ones on loopback, mounted folders are
 * temporary ones, and nothing enforces the security context and the resources.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type Container, type Deployment, environmentOf, type Rendered } from './chart.ts';
import { watchServer } from './contracts/watch.ts';
import { guard } from './guard.ts';
import { freePort } from './ports.ts';
import { until } from './until.ts';

const run = promisify(execFile);
/** The image's working folder, /app, holds what this one holds: package.json, node_modules and dist. */
const WORKDIR = new URL('../..', import.meta.url).pathname;
const PROBE_TIMEOUT_MS = 60_000;

const command = z.tuple([z.string()], z.string());

/** The list in JSON behind ENTRYPOINT or CMD: of the Dockerfile's health check the last CMD. */
export function imageCommand(instruction: 'ENTRYPOINT' | 'CMD'): readonly [string, ...string[]] {
  const found = new RegExp(`^\\s*${instruction} (\\[.*\\])$`, 'm').exec(
    readFileSync(join(WORKDIR, 'Dockerfile'), 'utf8'),
  );
  return command.parse(JSON.parse(found?.[1] ?? '[]'));
}

export class Pod {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly output: string[] = [];
  readonly #container: Container;
  readonly #ports: Readonly<Record<string, number>>;
  readonly #folder: string;
  #exited: Promise<number | null> = Promise.resolve(null);
  #kill: (signal: NodeJS.Signals) => void = () => {};

  private constructor(
    name: string,
    container: Container,
    ports: Readonly<Record<string, number>>,
    environment: Pod['environment'],
    folder: string,
  ) {
    this.name = name;
    this.#container = container;
    this.#ports = ports;
    this.environment = environment;
    this.#folder = folder;
  }

  /** Resolves when the process runs; nothing has been probed by then. */
  static async start(
    { metadata, spec }: Deployment,
    rendered: Rendered,
    secrets: Readonly<Record<string, Readonly<Record<string, string>>>>,
  ): Promise<Pod> {
    const { containers, volumes } = spec.template.spec;
    const [container] = containers;
    const folder = mkdtempSync(join(tmpdir(), 'carillon-pod-'));
    for (const { name, mountPath } of container.volumeMounts) {
      mkdirSync(join(folder, mountPath), { recursive: true });
      const configMap = volumes.find((volume) => volume.name === name)?.configMap;
      if (configMap === undefined) continue;
      for (const [file, text] of Object.entries(rendered.configMaps[configMap.name] ?? {}))
        writeFileSync(join(folder, mountPath, file), text);
    }
    const entries = await Promise.all(
      container.ports.map(async ({ name }) => [name, await freePort()] as const),
    );
    const ports = Object.fromEntries(entries);
    const given = environmentOf(container, rendered, secrets);
    const environment = Object.fromEntries(
      Object.entries(given).map(([name, value]) => {
        const isMounted = container.volumeMounts.some(({ mountPath }) => value.startsWith(`${mountPath}/`));
        return [name, isMounted ? join(folder, value) : value];
      }),
    );
    const here = { HOST: '127.0.0.1', PORT: String(ports.http ?? 0), OPS_PORT: String(ports.ops) };
    const pod = new Pod(metadata.name, container, ports, { ...environment, ...here }, folder);
    await pod.#run();
    return pod;
  }

  async #run(): Promise<void> {
    await watchServer(...Object.keys(this.#ports).map((port) => this.url(port)));
    const [program, ...args] = this.#container.command ?? imageCommand('ENTRYPOINT');
    if (program === undefined) throw new Error(`${this.name} has nothing to run`);
    const child = spawn(program, args, {
      cwd: WORKDIR,
      env: this.#inContainer(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child, 'spawn');
    const dismissGuard = guard('kill -s KILL -- "$1"; rm -rf -- "$2"', String(child.pid), this.#folder);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => this.output.push(String(data)));
    this.#kill = (signal) => child.kill(signal);
    this.#exited = once(child, 'close').then(() => {
      dismissGuard();
      rmSync(this.#folder, { recursive: true, force: true });
      return child.exitCode;
    });
  }

  /** What a process in the container has: the image's variables too. */
  #inContainer(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, NODE_ENV: 'production', ...this.environment };
  }

  /** The address of a port by the name that the container gives it. */
  url(port: string): string {
    return `http://127.0.0.1:${this.#ports[port]}`;
  }

  /** What a kubelet learns from a probe: the status, or undefined without an answer in time. */
  async probe(kind: 'startupProbe' | 'readinessProbe' | 'livenessProbe'): Promise<number | undefined> {
    const { httpGet, timeoutSeconds } = this.#container[kind];
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    const response = await fetch(this.url(httpGet.port) + httpGet.path, { signal }).catch(() => undefined);
    await response?.text();
    return response?.status;
  }

  /** Resolves when the pod is ready: first started, then ready. */
  async ready(): Promise<void> {
    let hasEnded = false;
    void this.#exited.then(() => {
      hasEnded = true;
    });
    for (const kind of ['startupProbe', 'readinessProbe'] as const) {
      await until(`the ${kind} of ${this.name}`, PROBE_TIMEOUT_MS, async () => {
        if (hasEnded) throw new Error(`${this.name} ended: ${this.output.join('')}`);
        return (await this.probe(kind)) === 200;
      });
    }
  }

  /** Runs a command in the container. @throws when it ends with another code than 0 */
  async exec([program, ...args]: readonly string[]): Promise<void> {
    await run(program ?? '', args, { cwd: WORKDIR, env: this.#inContainer() });
  }

  /** Deletes the pod: preStop, then SIGTERM. Resolves with the exit code. */
  async delete(): Promise<number | null> {
    const preStop = this.#container.lifecycle?.preStop.exec.command;
    if (preStop !== undefined) await this.exec(preStop);
    this.#kill('SIGTERM');
    return await this.#exited;
  }
}
