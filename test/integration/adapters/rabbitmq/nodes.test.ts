/** AMQP_URL with several nodes: whichever can be reached is used. In a virtual host whose name needs encoding everywhere. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connectOnce } from '../../../../src/adapters/rabbitmq/connecting.ts';
import { amqpAddressOf } from '../../../../src/config/amqp-address.ts';
import { admin } from '../../../support/admin.ts';
import {
  type CarillonProcess,
  isReady,
  JWT_SECRET,
  startCarillon,
  tokenFor,
} from '../../../support/carillon.ts';
import { cli } from '../../../support/cli.ts';
import { connectClient } from '../../../support/client.ts';
import { freePort } from '../../../support/ports.ts';
import { madeEvent, Producer } from '../../../support/producer.ts';
import { amqpUrl } from '../../../support/rabbitmq.ts';
import { freshRedis, sharedManagement } from '../../../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';

const VHOST = `läger/süd 25% ${randomUUID()}`;

let proxies: readonly [TcpProxy, TcpProxy];
/** One that nothing listens on, and two that lead to RabbitMQ. */
let urls: string;
let carillon: CarillonProcess;

beforeAll(async () => {
  await sharedManagement().createVhost(VHOST);
  const { port } = inject('rabbitMq');
  proxies = [await startTcpProxy(port), await startTcpProxy(port)];
  const [first, ...others] = [await freePort(), ...proxies.map((proxy) => proxy.port)];
  urls = [amqpUrl(first ?? 0, VHOST), ...others.map((other) => `amqp://127.0.0.1:${other}`)].join();
  carillon = await startCarillon({ AMQP_URL: urls, REDIS_URL: await freshRedis(), JWT_SECRET });
});
afterAll(async () => {
  await carillon.stop();
  for (const proxy of proxies) await proxy.close();
});

test('when a node is gone the next one is used, and all that was confirmed arrives', async () => {
  const ada = connectClient(carillon.url, await tokenFor('ada'));
  await ada.session();
  const producer = new Producer(amqpUrl(inject('rabbitMq').port, VHOST));
  await producer.publish(madeEvent('one', { audience: 'user:ada' }));
  await ada.received(1);

  const [first, second] = proxies;
  // Both lead to the same RabbitMQ; neither takes new connections while it leads nowhere.
  const nowhere = await freePort();
  for (const [gone, other] of [
    [first, second],
    [second, first],
  ] as const) {
    other.moveTo(inject('rabbitMq').port);
    gone.moveTo(nowhere);
    gone.cut();
    const before = other.bytes('toServer');
    await producer.publish(madeEvent(`without-${gone.port}`, { audience: 'user:ada' }));
    await until('the other node to be used', 60_000, () => other.bytes('toServer') > before);
    await until('readiness', 60_000, () => isReady(carillon));
  }
  await ada.received(3);
  expect(ada.notifications.map(({ id }) => id)).toEqual([
    'one',
    `without-${first.port}`,
    `without-${second.port}`,
  ]);
  ada.close();
  await producer.close();
});

test('connections for one occasion try each node', async () => {
  // More often than there are nodes, because the first is any.
  for (let i = 0; i < 8; i += 1) await (await connectOnce(amqpAddressOf(urls), 'a test', 20_000)).close();
  const wrong = amqpAddressOf(urls.replace('guest:guest', 'guest:wrong'));
  await expect(connectOnce(wrong, 'a test', 20_000)).rejects.toThrow(/403/);
  expect((await admin(carillon, 'GET', 'dead-letters')).status).toBe(200);
  const sent = await cli(['send', '--audience', 'user:bob', '--title', 'x', '--url', urls], {});
  expect([sent.exitCode, sent.err]).toEqual([0, '']);
});

test('the doctor asks about that virtual host, and its name is in the log without the password', async () => {
  const environment = { AMQP_URL: urls, REDIS_URL: await freshRedis(), JWT_SECRET };
  const { managementUrl } = inject('rabbitMq');
  const { out } = await cli(['doctor', '--json'], { ...environment, CARILLON_MANAGEMENT_URL: managementUrl });
  const found = out.split('\n').filter((line) => /"rabbitmq (topology|policies)/.test(line));
  expect(found.map((line) => JSON.parse(line).verdict)).toEqual(['ok', 'ok']);
  const started = carillon.output.find((line) => line.includes('"started"')) ?? '{}';
  expect(JSON.parse(started).amqp).toBe(
    urls
      .replace(':guest@', ':***@')
      .replaceAll(/(127\.0\.0\.1:\d+)(?=,|$)/g, `$1/${encodeURIComponent(VHOST)}`),
  );
});
