/**
 * A programming error in the command line ends it with its stack and 1, wherever it is thrown. No catch takes it for a
 * server that is away or a file that cannot be read.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Broken, breaking, FAULT } from '../../support/broken-modules.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon } from '../../support/carillon.ts';
import { cli } from '../../support/cli.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';

let carillon: CarillonProcess;
let folder: string;
let backends: Record<string, string>;
let env: Record<string, string>;

beforeAll(async () => {
  const [AMQP_URL, REDIS_URL] = await Promise.all([freshVhost(), freshRedis()]);
  backends = { AMQP_URL, REDIS_URL };
  carillon = await startCarillon({ ...backends, JWT_SECRET });
  env = { CARILLON_URL: carillon.url, CARILLON_OPS_URL: carillon.opsUrl, JWT_SECRET };
  folder = await mkdtemp(join(tmpdir(), 'carillon-cli-'));
  await writeFile(join(folder, 'event.json'), '{}');
  await writeFile(join(folder, 'routes.yaml'), 'routes: []');
});
afterAll(async () => {
  await carillon.stop();
  await rm(folder, { recursive: true });
});

const overAmqp = () => ['send', '-a', 'user:1', '--url', backends.AMQP_URL ?? ''];
const doctor = () => ['doctor'];
const management = () => ({ CARILLON_MANAGEMENT_URL: inject('rabbitMq').managementUrl });
const away = () => ({ ...backends, AMQP_URL: 'amqp://127.0.0.1:9', REDIS_URL: 'redis://127.0.0.1:9' });

test.for<[string, Broken, () => string[], () => Record<string, string>]>([
  ['send', 'fetch', () => ['send', '-a', 'user:1'], () => ({})],
  ['the answer to a send', 'answers', () => ['send', '-a', 'user:1'], () => ({})],
  ['a list of dead letters', 'fetch', () => ['dead-letters', 'list'], () => ({})],
  ['explain', 'answers', () => ['explain', 'e', '1'], () => ({})],
  ['the file of an event', 'files', () => ['send', '--event', join(folder, 'event.json')], () => ({})],
  ['cursors', 'files', () => ['watch', 'user:1', '--cursors', join(folder, 'event.json')], () => ({})],
  ['the connection of a send over AMQP', 'connections', overAmqp, () => ({})],
  ['a send over AMQP', 'confirms', overAmqp, () => ({})],
  ['the end of a send over AMQP', 'closing', overAmqp, () => ({})],
  ["the doctor's routes", 'files', doctor, () => ({ ROUTES_FILE: join(folder, 'routes.yaml') })],
  [
    "the doctor's token keys",
    'fetch',
    doctor,
    () => ({ ...away(), JWT_SECRET: '', JWKS_URL: 'http://127.0.0.1:9' }),
  ],
  ["the doctor's RabbitMQ", 'connections', doctor, () => backends],
  ["the doctor's topology", 'rabbitMqExchanges', doctor, () => backends],
  ["the doctor's queues", 'rabbitMqQueues', doctor, () => backends],
  ["the doctor's rights", 'rabbitMqConsuming', doctor, () => backends],
  ["the doctor's policies", 'fetch', doctor, () => ({ ...backends, ...management() })],
  ["the doctor's Redis", 'redisTime', doctor, () => ({ ...backends, ...management() })],
  ["the doctor's readiness", 'answers', doctor, () => ({})],
])('%s', async ([, broken, args, extra]) => {
  const { env: options, remove } = await breaking(broken);
  try {
    const environment = { ...env, ...extra(), ...options };
    const { exitCode, out, err } = await cli(args(), environment);
    expect(exitCode).toBe(1);
    expect(err).toMatch(new RegExp(`TypeError: ${FAULT}\n +at `));
    expect(out).not.toContain(FAULT);
  } finally {
    await remove();
  }
});

test('with --json it is one line, with the stack in it', async () => {
  const { env: options, remove } = await breaking('fetch');
  try {
    const { exitCode, err } = await cli(['send', '-a', 'user:1', '--json'], { ...env, ...options });
    expect(exitCode).toBe(1);
    expect(JSON.parse(err)).toEqual({
      error: { code: 'internal', message: FAULT, stack: expect.stringMatching(/\n +at /) },
    });
  } finally {
    await remove();
  }
});

test('what people get wrong is no programming error', async () => {
  const hidden = { ...env, CARILLON_OPS_URL: 'http://me:hidden@127.0.0.1:9' };
  const wrong: readonly (readonly [string[], Record<string, string>, string])[] = [
    [['dead-letters', 'list'], hidden, 'must hold no user name or password'],
    [['send', '-a', 'user:1', '--url', 'http://me:hidden@127.0.0.1:9'], env, 'must hold no user name'],
    [['dead-letters', 'list'], { ...env, CARILLON_TOKEN: 'two\nhidden' }, 'CARILLON_TOKEN is no token'],
    [['send', '-a', 'user:1', '--url', 'amqp://me:%zz-hidden@127.0.0.1:9'], env, 'percent-encoded'],
    [['send', '-a', 'user:1', '--url', 'amqp://127.0.0.1:9?maxFrameSize=hidden'], env, 'maxFrameSize'],
    [['watch', 'user:1', '--cursors', folder], env, '--cursors cannot be read'],
    [['send', '--event', '/nowhere/at/all'], env, '--event cannot be read'],
    [['send', '--event', join(folder, 'routes.yaml')], env, '--event must be a JSON object'],
  ];
  for (const [args, environment, said] of wrong) {
    const { exitCode, err } = await cli(args, environment);
    expect({ args, exitCode, err }).toEqual({ args, exitCode: 2, err: expect.stringContaining(said) });
    expect(err).not.toMatch(/hidden|\n +at /);
  }
});

test('a program at the address that is not Carillon is no programming error', async () => {
  // It answers JSON of its own to any path below this one.
  const other = { ...env, CARILLON_OPS_URL: `${carillon.url}/docs/json?` };
  const { exitCode, err } = await cli(['dead-letters', 'list'], other);
  expect({ exitCode, err }).toEqual({
    exitCode: 1,
    err: expect.stringContaining('answered something that this command does not understand'),
  });
});
