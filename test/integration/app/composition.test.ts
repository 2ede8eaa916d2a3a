/**
 * Both compositions in this process: after a stop, and after a start that failed at any of its steps, nothing is left of
 * them: no timer, no socket, no port, no connection that would come back.
 */
import { createServer, type Server } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Service, startService } from '../../../src/app/service.ts';
import { readConfig } from '../../../src/config/config.ts';
import { JWT_SECRET } from '../../support/carillon.ts';
import { LivingTimers } from '../../support/living-timers.ts';
import { freePort, isListening } from '../../support/ports.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

type Environment = Readonly<Record<string, string>>;

const POLL = { timeout: 30_000 };
const log = pino({ level: 'silent' });

/** Of vitest itself. */
const IDLE = sockets();

let timers: LivingTimers;
const servers: Server[] = [];
beforeEach(() => {
  timers = new LivingTimers();
});
afterEach(() => {
  timers.stop();
  for (const server of servers.splice(0)) server.close();
});

/** Also those that are being opened. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((type) => /^(TCP|Pipe)/.test(type)).length;
}

/** Of the service and of the clients that it connects with. */
const ownTimers = () =>
  ['/src/', '/ioredis/', '/amqplib/', '/fastify/', '/engine.io/'].flatMap((folder) => timers.madeIn(folder));

async function expectNothingLeft(): Promise<void> {
  await expect.poll(() => sockets() - servers.length, POLL).toBeLessThanOrEqual(IDLE);
  await expect.poll(ownTimers, POLL).toEqual([]);
}

function start(environment: Environment): Promise<Service> {
  const own = { HOST: '127.0.0.1', PORT: '0', OPS_PORT: '0', ...environment };
  return startService(readConfig(own), log, (error) => {
    throw error;
  });
}

async function takenPort(): Promise<string> {
  const port = await freePort();
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return String(port);
}

const EMBEDDED: Environment = {};

/** Nothing listens where RabbitMQ and Redis should be. */
async function away(): Promise<Environment> {
  const [amqp, redis] = [await freePort(), await freePort()];
  return { AMQP_URL: `amqp://127.0.0.1:${amqp}`, REDIS_URL: `redis://127.0.0.1:${redis}`, JWT_SECRET };
}

async function there(): Promise<Environment> {
  const [AMQP_URL, REDIS_URL] = await Promise.all([freshVhost(), freshRedis()]);
  return { AMQP_URL, REDIS_URL, JWT_SECRET, UNREACHED_AFTER: '60' };
}

const everywhere: readonly (readonly [string, () => Promise<Environment>])[] = [
  ['embedded', async () => EMBEDDED],
  ['production, with RabbitMQ and Redis away', away],
  ['production', there],
];

describe.each(everywhere)('%s', (_name, environmentOf) => {
  test('leaves nothing behind when it stops', async () => {
    const environment = await environmentOf();
    const service = await start(environment);
    await service.stop();
    await expectNothingLeft();
  });

  test.each(['PORT', 'OPS_PORT'])('leaves nothing behind when %s is taken', async (name) => {
    const environment = await environmentOf();
    const port = await freePort();
    const taken = await takenPort();
    const own = { ...environment, PORT: String(port), [name]: taken };
    await expect(start(own)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expectNothingLeft();
    expect(await isListening(port)).toBe(false);
  });

  test('leaves nothing behind when its routes cannot be read', async () => {
    const environment = await environmentOf();
    const ROUTES_FILE = temporaryFile('routes.yaml', 'routes: nowhere');
    await expect(start({ ...environment, ROUTES_FILE })).rejects.toThrow(/routes/);
    await expectNothingLeft();
  });
});

test('OPS_PORT may listen on another address than PORT', async () => {
  const service = await start({ ...(await there()), OPS_HOST: '0.0.0.0' });
  expect([service.url, service.opsUrl].map((url = '') => new URL(url).hostname)).toEqual([
    '127.0.0.1',
    '0.0.0.0',
  ]);
  const { status } = await fetch(`${service.opsUrl}/health/live`);
  expect(status).toBe(200);
  await service.stop();
});

test('both say where events and notifications are, without passwords', async () => {
  const embedded = await start(EMBEDDED);
  expect([embedded.mode, embedded.places]).toEqual(['embedded', { mode: 'embedded' }]);
  await embedded.stop();
  const { REDIS_URL = '', AMQP_URL = '' } = await away();
  const named = {
    AMQP_URL: AMQP_URL.replace('//', '//me:secret@'),
    REDIS_URL: REDIS_URL.replace('//', '//me:secret@'),
  };
  const production = await start({ ...named, JWT_SECRET });
  expect(production.mode).toBe('real');
  expect(Object.keys(production.places)).toEqual(['amqp', 'redis']);
  expect(JSON.stringify(production.places)).not.toContain('secret');
  await production.stop();
});

test('a stop is ready no more at once, and answers for its health until all else is closed', async () => {
  const service = await start(EMBEDDED);
  const ready = async () => (await fetch(`${service.opsUrl}/health/ready`)).status;
  expect(await ready()).toBe(200);
  const stream = await fetch(`${service.url}/demo/signals`);
  const stopping = service.stop();
  expect(await ready()).toBe(503);
  await stopping;
  await expect(ready()).rejects.toThrow();
  await stream.text();
  await service.stop();
});
