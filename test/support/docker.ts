/** Runs a private server as a container, on machines that have Docker but not the server's program. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { guard } from './guard.ts';
import type { ServerHome } from './server.ts';
import { until } from './until.ts';

const composeFile = resolve(import.meta.dirname, '../../docker-compose.yml');
const readyTimeoutMs = 60_000;

export interface DockerOptions {
  readonly service: 'rabbitmq' | 'redis';
  /** Maps each port on 127.0.0.1 to a port in the container. */
  readonly ports: Readonly<Record<number, number>>;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  isReady(): Promise<boolean>;
}

async function docker(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('docker', args);
  child.stdin.on('error', () => {}).end(input);
  const [output, complaint, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')} ended with ${exitCode}: ${complaint}`);
  return output.trim();
}

export async function dockerAnswers(): Promise<boolean> {
  try {
    await docker(['info', '--format', '{{.ServerVersion}}']);
    await docker(['compose', 'version']);
    return true;
  } catch {
    return false;
  }
}

/** Runs the service from the project's own docker-compose.yml, on other ports. */
export function dockerHome(options: DockerOptions): ServerHome {
  const { service, ports, command, environment, isReady } = options;
  const project = `carillon-test-${process.pid}-${randomUUID().slice(0, 8)}`;
  const published = Object.entries(ports).map(([outside, inside]) => `127.0.0.1:${outside}:${inside}`);
  // JSON is valid YAML, except for the tag. Without `!override`, Compose would publish the usual ports as well.
  const override = [
    'services:',
    `  ${service}:`,
    `    ports: !override ${JSON.stringify(published)}`,
    ...(command ? [`    command: ${JSON.stringify(command)}`] : []),
    ...(environment ? [`    environment: ${JSON.stringify(environment)}`] : []),
  ].join('\n');
  const compose = (...args: readonly string[]) =>
    docker(['compose', '-p', project, '-f', composeFile, '-f', '-', ...args], override);
  let dismissGuard = () => {};

  return {
    async start() {
      if (!(await dockerAnswers()))
        throw new Error(
          `Neither ${service} is installed nor does Docker with Compose answer. npm test installs it.`,
        );
      dismissGuard();
      dismissGuard = guard('docker compose -p "$1" down -v', project);
      await compose('up', '-d', '--wait', '--no-deps', service);
      await until(`${service} in Docker`, readyTimeoutMs, isReady);
      const container = await compose('ps', '-q', service);
      const pid = Number(await docker(['inspect', '-f', '{{.State.Pid}}', container]));
      return {
        pid,
        terminate: async () => void (await compose('stop', service)),
        kill: async () => void (await compose('kill', service)),
        pause: async () => void (await compose('pause', service)),
        resume: async () => void (await compose('unpause', service)),
      };
    },
    async discard() {
      await compose('down', '-v');
      dismissGuard();
    },
  };
}
