/** RabbitMQ behind TLS with a company's own authority, which asks for a certificate and takes it for a login. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { admin } from '../../../support/admin.ts';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  spawnCarillon,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { certificate, lent } from '../../../support/certificates.ts';
import { cli } from '../../../support/cli.ts';
import { connectClient } from '../../../support/client.ts';
import { doctor } from '../../../support/doctor.ts';
import { freePort } from '../../../support/ports.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { type RabbitMqServer, startRabbitMq } from '../../../support/rabbitmq.ts';
import { freshRedis } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const WAIT_MS = 60_000;

const OWN_CERTIFICATE = {
  AMQP_CERT_FILE: certificate('client.pem'),
  AMQP_KEY_FILE: certificate('client.key'),
};

let folder: string;
let tlsPort: number;
let rabbitMq: RabbitMqServer;
let environment: Record<string, string>;
let carillon: CarillonProcess | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-tls-'));
  tlsPort = await freePort();
  rabbitMq = await startRabbitMq({
    plugins: ['rabbitmq_auth_mechanism_ssl'],
    settings: [
      `listeners.ssl.local = 127.0.0.1:${tlsPort}`,
      `ssl_options.cacertfile = ${await lent(folder, 'ca.pem')}`,
      `ssl_options.certfile = ${await lent(folder, 'server.pem')}`,
      `ssl_options.keyfile = ${await lent(folder, 'server.key')}`,
      'ssl_options.verify = verify_peer',
      'ssl_options.fail_if_no_peer_cert = true',
      'ssl_cert_login_from = common_name',
      'auth_mechanisms.1 = PLAIN',
      'auth_mechanisms.2 = EXTERNAL',
    ],
  });
  environment = { JWT_SECRET, REDIS_URL: await freshRedis() };
});
afterEach(async () => {
  await carillon?.stop();
  carillon = undefined;
});
afterAll(async () => {
  await rabbitMq.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a certificate that is wrong at the start and replaced later needs no restart', {
  timeout: 180_000,
}, async () => {
  const caFile = join(folder, 'trusted.pem');
  await copyFile(certificate('stranger.pem'), caFile);
  carillon = await spawnCarillon({
    ...environment,
    // The second is named alike, so that the certificate fits.
    AMQP_URL: `amqps://guest:guest@127.0.0.1:${tlsPort},amqps://localhost:${tlsPort}`,
    AMQP_CA_FILE: caFile,
    ...OWN_CERTIFICATE,
  });
  const { output } = carillon;
  await until('RabbitMQ to be refused', WAIT_MS, () => /RabbitMQ is down/.test(output.join('\n')));
  expect(output.join('\n')).toMatch(/"reason":"(self.signed|unable to verify)[^"]*"/);

  const refused = await doctor({
    ...environment,
    AMQP_URL: `amqps://guest:guest@127.0.0.1:${tlsPort}`,
    AMQP_CA_FILE: caFile,
    ...OWN_CERTIFICATE,
  });
  expect(refused.of('rabbitmq')).toMatchObject({
    verdict: 'wrong',
    change: expect.stringContaining('set AMQP_CA_FILE'),
  });

  await copyFile(certificate('ca.pem'), caFile);
  const started = carillon;
  await until('Carillon to be ready', WAIT_MS, () => isReady(started));
  const client = connectClient(carillon.url, await tokenFor('ada'));
  await client.session();
  const producer = new Producer(rabbitMq.url());
  await producer.publish(madeEvent('through-tls', { audience: 'user:ada' }));
  await client.received(1);
  expect(client.notifications.map(({ id }) => id)).toEqual(['through-tls']);
  expect((await admin(carillon, 'GET', 'dead-letters')).status).toBe(200);
  client.close();
  await producer.close();
});

test('the certificate is the login, for the service and the command line', { timeout: 180_000 }, async () => {
  await rabbitMq.management.createVhost('läger/süd');
  await rabbitMq.management.createUser('client', '', 'läger/süd');
  const external = {
    ...environment,
    AMQP_URL: `amqps://127.0.0.1:${tlsPort}/${encodeURIComponent('läger/süd')}?auth_mechanism=external`,
    AMQP_CA_FILE: certificate('ca.pem'),
    ...OWN_CERTIFICATE,
  };
  carillon = await startCarillon(external);
  const sent = await cli(
    ['send', '--audience', 'user:bob', '--title', 'x', '--url', external.AMQP_URL],
    external,
  );
  expect([sent.exitCode, sent.err]).toEqual([0, '']);
  const { out } = await cli(['doctor', '--json'], external);
  const topology = out.split('\n').find((line) => line.includes('"rabbitmq topology"')) ?? '{}';
  expect(JSON.parse(topology).verdict).toBe('ok');
  const unknown = await cli(
    ['send', '--audience', 'user:bob', '--title', 'x', '--url', external.AMQP_URL],
    {},
  );
  expect([unknown.exitCode, unknown.err]).toEqual([
    1,
    expect.stringMatching(/RabbitMQ at amqps:.* cannot be reached/),
  ]);
  const broken = { ...external, AMQP_KEY_FILE: certificate('server.key') };
  const refused = await cli(
    ['send', '--audience', 'user:bob', '--title', 'x', '--url', external.AMQP_URL],
    broken,
  );
  expect([refused.exitCode, refused.err]).toEqual([2, expect.stringContaining('AMQP_KEY_FILE')]);
});

test('a certificate of a user that RabbitMQ does not know is named', { timeout: 180_000 }, async () => {
  await rabbitMq.management.createUser('client', '', '/');
  await rabbitMq.management.delete('users/client');
  carillon = await spawnCarillon({
    ...environment,
    AMQP_URL: `amqps://127.0.0.1:${tlsPort}?auth_mechanism=external`,
    AMQP_CA_FILE: certificate('ca.pem'),
    ...OWN_CERTIFICATE,
  });
  const { output } = carillon;
  await until('the log to name it', WAIT_MS, () =>
    /"code":"rabbitmq_login_refused","reason":"RabbitMQ does not let in the user of the certificate/.test(
      output.join('\n'),
    ),
  );
});
