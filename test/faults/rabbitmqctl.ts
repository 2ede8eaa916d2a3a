/** rabbitmqctl for a RabbitMQ of the tests, for what its management API does not offer. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findRabbitMqServer } from '../support/programs.ts';

const run = promisify(execFile);

/** Linux only, and not for a RabbitMQ in Docker. */
export async function rabbitmqctl(
  server: { readonly pid: number },
  ...args: readonly string[]
): Promise<void> {
  // The node's name, its ports and the home folder with its secret are in the node's own environment.
  const environment = readFileSync(`/proc/${server.pid}/environ`, 'utf8').split('\0');
  const env = Object.fromEntries(
    environment.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  await run(join(dirname(findRabbitMqServer() ?? ''), 'rabbitmqctl'), args, { env });
}
