/** Operators change the level of the log: of all processes, of one, by a signal, and while Redis is away. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { logLevelStateSchema } from '../../../src/contract/log-level.ts';
import { admin } from '../../support/admin.ts';
import { type CarillonProcess, isReady, JWT_SECRET, startCarillon } from '../../support/carillon.ts';
import { cli } from '../../support/cli.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { freshVhost } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let redis: RedisServer;
let common: Record<string, string>;
let consumer: CarillonProcess;
let gateway: CarillonProcess;
beforeAll(async () => {
  redis = await startRedis();
  common = { AMQP_URL: await freshVhost(), REDIS_URL: redis.url, JWT_SECRET, CANARY_SECONDS: '0' };
  [consumer, gateway] = await Promise.all([
    startCarillon({ ...common, ROLES: 'consumer' }),
    startCarillon({ ...common, ROLES: 'gateway', LOG_LEVEL: 'warn' }),
  ]);
});
afterAll(async () => {
  await Promise.all([consumer, gateway].map((one) => one?.stop()));
  await redis?.stop();
});

const PATH = 'log-level';

async function stateOf(carillon: CarillonProcess) {
  return logLevelStateSchema.parse((await admin(carillon, 'GET', PATH)).answer);
}

const isAt = (carillon: CarillonProcess, level: string) =>
  until(`the level ${level}`, 20_000, async () => (await stateOf(carillon)).level === level);

test('of all processes, those that start meanwhile too; and back', async () => {
  expect(await stateOf(gateway)).toMatchObject({ level: 'warn', configured: 'warn' });
  const body = { level: 'debug', forSeconds: 3_600 };
  const { status, answer } = await admin(consumer, 'PUT', PATH, { body });
  expect([status, answer]).toEqual([202, { level: 'debug', until: expect.any(String) }]);
  await isAt(gateway, 'debug');
  await isAt(consumer, 'debug');
  expect(await stateOf(gateway)).toMatchObject({ configured: 'warn', until: expect.any(String) });
  const late = await startCarillon({ ...common, ROLES: 'gateway' });
  await isAt(late, 'debug');
  expect((await admin(late, 'DELETE', PATH)).status).toBe(204);
  await isAt(consumer, 'info');
  await isAt(gateway, 'warn');
  await isAt(late, 'info');
  await late.stop();
});

test('of one process, and by the command', async () => {
  const { node } = await stateOf(gateway);
  const environment = { CARILLON_OPS_URL: consumer.opsUrl, JWT_SECRET };
  const set = await cli(['log-level', 'trace', '--for', '10m', '--node', node], environment);
  expect(set).toMatchObject({
    exitCode: 0,
    err: '',
    out: expect.stringMatching(`^${node}: trace until 20\\S+Z\n$`),
  });
  await isAt(gateway, 'trace');
  const shown = await cli(['log-level'], environment);
  expect(shown.out).toBe(`${(await stateOf(consumer)).node}: info\n`);
  const there = await cli(['log-level'], { ...environment, CARILLON_OPS_URL: gateway.opsUrl });
  expect(there.out).toMatch(/: trace until 20\S+Z, then warn\n$/);
  const reset = await cli(['log-level', '--reset'], environment);
  expect(reset).toMatchObject({ exitCode: 0, out: 'all processes: back to LOG_LEVEL\n' });
  await isAt(gateway, 'warn');
  for (const args of [['loud'], ['debug', '--reset'], ['debug', '--for', 'long']])
    expect((await cli(['log-level', ...args], environment)).exitCode, args.join(' ')).toBe(2);
});

test('what is no level, no time or no field is refused by its field', async () => {
  for (const [body, field] of [
    [{ level: 'loud' }, 'level'],
    [{ level: 'debug', forSeconds: 0 }, 'forSeconds'],
    [{ level: 'debug', forSeconds: 86_401 }, 'forSeconds'],
    [{ level: 'debug', user: '42' }, 'user'],
    [{}, 'level'],
  ] as const) {
    const { status, answer } = await admin(gateway, 'PUT', PATH, { body });
    expect([status, JSON.stringify(answer)]).toEqual([400, expect.stringContaining(field)]);
  }
  expect((await admin(gateway, 'GET', PATH, { token: 'none' })).status).toBe(401);
});

test('by a signal, and back by the next one', async () => {
  gateway.signal('SIGUSR2');
  await isAt(gateway, 'debug');
  expect((await stateOf(consumer)).level).toBe('info');
  gateway.signal('SIGUSR2');
  await isAt(gateway, 'warn');
});

test('while Redis is away: of the process that is asked, if it is named', async () => {
  const { node } = await stateOf(gateway);
  await redis.stop();
  await until('Redis to be away', 20_000, async () => !(await isReady(gateway)));
  const { status, answer } = await admin(gateway, 'PUT', PATH, { body: { level: 'debug' } });
  expect([status, answer]).toEqual([
    503,
    expect.objectContaining({ code: 'redis_unavailable', detail: expect.stringContaining(`node=${node}`) }),
  ]);
  expect((await stateOf(gateway)).level).toBe('warn');
  expect((await admin(gateway, 'PUT', PATH, { body: { level: 'debug', node } })).status).toBe(202);
  expect((await stateOf(gateway)).level).toBe('debug');
  expect((await admin(gateway, 'DELETE', `${PATH}?${new URLSearchParams({ node })}`)).status).toBe(204);
  expect((await stateOf(gateway)).level).toBe('warn');
});
