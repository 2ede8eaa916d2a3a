/** The doctor tells what it may not look at from what is bad and from what is well, and reads what the process reads. */
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { JWT_SECRET, spawnCarillon, startCarillon } from '../../support/carillon.ts';
import { doctor } from '../../support/doctor.ts';
import { freePort } from '../../support/ports.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { freshName, sharedManagement } from '../../support/servers.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

describe('a user who may not look', () => {
  const [vhost, whole, shop] = [freshName('doctor'), freshName('whole'), freshName('shop')];
  let redis: RedisServer;
  let environment: Record<string, string>;

  beforeAll(async () => {
    redis = await startRedis({ persistent: true });
    const { port, managementUrl } = inject('rabbitMq');
    const management = sharedManagement();
    await management.createVhost(vhost);
    const permissions = { configure: '.*', write: '.*', read: '.*' };
    for (const [name, rights] of Object.entries({
      [whole]: permissions,
      // As a producer has them.
      [shop]: { configure: '^$', write: '^carillon\\.events$', read: '^$' },
    })) {
      await management.put(`users/${name}`, { password: 'secret', tags: '' });
      await management.put(`permissions/${vhost}/${name}`, rights);
    }
    const control = new Redis(redis.url);
    await control.call('ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '&*', '+@all', '-info', '-time');
    control.disconnect();
    const carillon = await startCarillon({
      AMQP_URL: `amqp://${whole}:secret@127.0.0.1:${port}/${vhost}`,
      REDIS_URL: redis.url,
      JWT_SECRET,
    });
    await carillon.stop();
    environment = {
      AMQP_URL: `amqp://${shop}:secret@127.0.0.1:${port}/${vhost}`,
      REDIS_URL: redis.url.replace('redis://', 'redis://blind:secret@'),
      JWT_SECRET,
      CARILLON_MANAGEMENT_URL: managementUrl,
    };
  });
  afterAll(async () => {
    await redis?.stop();
  });

  test('learns what was not looked at, and which right that takes; nothing of it is an alarm', async () => {
    const { findings, of } = await doctor(environment);
    expect(of('rabbitmq alarms')).toMatchObject({
      verdict: 'advice',
      found: expect.stringMatching(
        new RegExp(`"${shop}" has no right to write exchange "carillon\\.unreached"`),
      ),
      change: expect.stringContaining('docs/rabbitmq-and-redis.md, Permissions'),
    });
    expect(of('rabbitmq topology')).toMatchObject({ verdict: 'advice' });
    expect(of('redis info')).toMatchObject({ verdict: 'advice', change: expect.stringContaining('+info') });
    expect(of('redis clock')).toMatchObject({ verdict: 'advice', change: expect.stringContaining('+time') });
    // No consumer runs: that much it may know.
    const wrong = findings.filter(({ verdict }) => verdict === 'wrong').map(({ check }) => check);
    expect(wrong).toEqual(['rabbitmq consumers']);
  });

  test('a management API that knows none of the queues does not say that no policy harms', async () => {
    const server = createServer((_, response) => response.writeHead(404).end('{}'));
    onTestFinished(() => void server.close());
    const port = await freePort();
    server.listen(port, '127.0.0.1');
    const { of } = await doctor({ ...environment, CARILLON_MANAGEMENT_URL: `http://127.0.0.1:${port}` });
    expect(of('rabbitmq policies')).toMatchObject({
      verdict: 'advice',
      found: expect.stringContaining('none'),
    });
  });
});

describe('what the process reads at its start', () => {
  test.for([
    ['is not there', '/nowhere/routes.yaml', /ENOENT/],
    [
      'is malformed',
      temporaryFile('routes.yaml', 'routes:\n  - type: a..b\n    audience: []\n'),
      /routes\.yaml:2/,
    ],
    ['is a folder', '/', /EISDIR/],
  ] as const)('ROUTES_FILE that %s: wrong, as the process finds it', async ([, ROUTES_FILE, reason]) => {
    const { of } = await doctor({ ROUTES_FILE });
    expect(of('configuration')).toMatchObject({ verdict: 'wrong', found: expect.stringMatching(reason) });
    const carillon = await spawnCarillon({ ROUTES_FILE });
    expect(await carillon.exited).toBe(1);
    expect(carillon.output.join('\n')).toMatch(reason);
  });

  test('a good ROUTES_FILE is counted', async () => {
    const ROUTES_FILE = temporaryFile(
      'good.yaml',
      'routes:\n  - type: order.*\n    audience: ["user:{data.id}"]\n',
    );
    expect((await doctor({ ROUTES_FILE })).of('configuration')).toMatchObject({
      verdict: 'ok',
      found: expect.stringContaining('1 routes in ROUTES_FILE'),
    });
  });

  test('keys that are not at JWKS_URL', async () => {
    const server = createServer((request, response) =>
      request.url === '/keys' ? response.end('{"keys":[{"kty":"OKP"}]}') : response.writeHead(404).end(),
    );
    onTestFinished(() => void server.close());
    const port = await freePort();
    server.listen(port, '127.0.0.1');
    const of = async (path: string) =>
      (await doctor({ JWKS_URL: `http://127.0.0.1:${port}${path}` })).of('token keys');
    expect(await of('/keys')).toMatchObject({ verdict: 'ok' });
    expect(await of('/other')).toMatchObject({ verdict: 'wrong', found: 'JWKS_URL answers 404' });
  });

  test('limits that do not fit: advice, and a line in the log', async () => {
    const environment = { EVENT_MAX_BYTES: '65536', EVENT_MAX_AUDIENCES: '10000' };
    expect((await doctor(environment)).of('limits')).toMatchObject({
      verdict: 'advice',
      found: expect.stringMatching(/EVENT_MAX_AUDIENCES 10000: .*EVENT_MAX_BYTES 65536/),
    });
    const carillon = await startCarillon(environment);
    await carillon.stop();
    expect(carillon.output.filter((line) => line.includes('limits_do_not_fit'))).toHaveLength(1);
  });
});
