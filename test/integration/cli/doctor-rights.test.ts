/** The doctor tells what it may not look at from what is bad and from what is well, and which rights the service lacks. */
import { createServer } from 'node:http';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { JWT_SECRET, spawnCarillon, startCarillon } from '../../support/carillon.ts';
import { doctor } from '../../support/doctor.ts';
import { freePort } from '../../support/ports.ts';
import { amqpUrl } from '../../support/rabbitmq.ts';
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

  test('learns which rights the service would lack, and what was not looked at', async () => {
    const { findings, of } = await doctor({ ...environment, UNREACHED_AFTER: '60' });
    const rights = findings.filter(({ check }) => check === 'rabbitmq rights');
    const lackOf = (verdict: string, right: string) => ({
      verdict,
      found: expect.stringContaining(`the user "${shop}" has no right to ${right} in virtual host`),
      change: expect.stringContaining(`carillon topology --permissions --user ${shop}`),
    });
    expect(rights).toMatchObject([
      lackOf('wrong', 'write exchange "carillon.signals"'),
      lackOf('wrong', 'write exchange "carillon.dead"'),
      lackOf('wrong', 'write exchange "carillon.unreached"'),
      lackOf('wrong', 'read queue "carillon.deliver"'),
      lackOf('wrong', 'read queue "carillon.unreached"'),
      lackOf('advice', 'read queue "carillon.dead"'),
    ]);
    expect(of('rabbitmq alarms')).toMatchObject({ verdict: 'ok' });
    expect(of('rabbitmq topology')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining('each process declares all of it at its start'),
      change: expect.stringContaining('AMQP_DECLARE=false'),
    });
    expect(of('redis info')).toMatchObject({ verdict: 'unknown', change: expect.stringContaining('+info') });
    expect(of('redis clock')).toMatchObject({ verdict: 'unknown', change: expect.stringContaining('+time') });
    expect(of('redis rights')).toMatchObject({ verdict: 'wrong', found: 'the user may not: INFO, TIME' });
  });

  test('a process without these parts needs no right to them, and the check publishes and takes nothing', async () => {
    const lean = { ...environment, ROLES: 'gateway', SIGNALS: 'none', AMQP_DECLARE: 'false' };
    const { findings } = await doctor(lean);
    const rights = findings.filter(({ check }) => check === 'rabbitmq rights');
    expect(rights.map(({ verdict, found }) => [verdict, /queue "(.*?)"/.exec(found)?.[1]])).toEqual([
      ['advice', 'carillon.dead'],
    ]);
    const model = await connect(amqpUrl(inject('rabbitMq').port, vhost));
    onTestFinished(() => model.close());
    const channel = await model.createChannel();
    for (const queue of ['carillon.deliver', 'carillon.dead', 'carillon.unreached'])
      expect(await channel.checkQueue(queue)).toMatchObject({ messageCount: 0, consumerCount: 0 });
  });

  test('a management API that knows none of the queues does not say that no policy harms', async () => {
    const server = createServer((_, response) => response.writeHead(404).end('{}'));
    onTestFinished(() => void server.close());
    const port = await freePort();
    server.listen(port, '127.0.0.1');
    const { of } = await doctor({ ...environment, CARILLON_MANAGEMENT_URL: `http://127.0.0.1:${port}` });
    expect(of('rabbitmq policies')).toMatchObject({
      verdict: 'unknown',
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
