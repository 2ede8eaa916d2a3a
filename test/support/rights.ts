/** Users of RabbitMQ and Redis that have the rights in docs/rabbitmq-and-redis.md, or fewer. */
import { readFileSync } from 'node:fs';
import { expect, inject } from 'vitest';
import { type CarillonProcess, partsOf } from './carillon.ts';
import { sharedManagement } from './servers.ts';
import { until } from './until.ts';

const PAGE = readFileSync(new URL('../../docs/rabbitmq-and-redis.md', import.meta.url), 'utf8');

/** The rights that the page grants in RabbitMQ: `configure`, `write`, `read`. */
export function rightsOf(user: string): readonly string[] {
  const command = PAGE.split(`rabbitmqctl set_permissions -p / ${user} `)[1];
  return [...(command ?? '').matchAll(/'([^']*)'/g)].map(([, right = '']) => right).slice(0, 3);
}

/**
 * The rules that the page grants in Redis: for database 0, those to add for another database, those to add for a
 * Cluster.
 */
export const [RULES = [], DATABASE_RULES = [], CLUSTER_RULES = []] = [
  ...PAGE.matchAll(/^ACL SETUSER carillon (.*)$/gm),
].map(([, rules = '']) => rules.split(' '));

/**
 * Creates a vhost in the shared RabbitMQ and a user for it, both with this name. The name MUST come from `freshName()`.
 */
export async function urlFor(name: string, rights: readonly string[]): Promise<string> {
  await sharedManagement().createVhost(name);
  await createUser(name);
  await permit(name, rights);
  return urlOf(name, 'secret', name);
}

/** Creates a user in the shared RabbitMQ, with the password `secret`. */
export const createUser = (name: string) =>
  sharedManagement().put(`users/${name}`, { password: 'secret', tags: '' });

export const permit = (
  name: string,
  [configure = '', write = '', read = '']: readonly string[],
  vhost = name,
) => sharedManagement().put(`permissions/${vhost}/${name}`, { configure, write, read });

/** An AMQP URL in the shared RabbitMQ. */
export const urlOf = (user: string, password: string, vhost: string) =>
  `amqp://${user}:${password}@127.0.0.1:${inject('rabbitMq').port}/${vhost}`;

/** The log lines with this code, parsed. */
function linesWith({ output }: CarillonProcess, code: string): Record<string, unknown>[] {
  return output.filter((line) => line.includes(`"code":"${code}"`)).map((line) => JSON.parse(line));
}

/** Checks that the process names this code and reason in its health and its log, and that all log lines are JSON. */
export async function expectNamed(
  carillon: CarillonProcess,
  part: string,
  code: string,
  what: RegExp,
): Promise<void> {
  await until(`health to name ${code} ${what}`, 60_000, async () => {
    const { reason = '' } = (await partsOf(carillon))[part] ?? {};
    return reason.startsWith(code) && what.test(reason);
  });
  await until('the log to name it', 20_000, () => linesWith(carillon, code).length > 0);
  expect(linesWith(carillon, code)[0]?.level).toBe('error');
  for (const line of carillon.output) expect(() => JSON.parse(line)).not.toThrow();
}
