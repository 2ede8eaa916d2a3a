/** 500 devices lose their gateway at once and come to another one, which has a slow Redis: nobody misses anything. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tokenFor } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import { Producer } from '../support/producer.ts';
import { queueDepth } from '../support/queue-depth.ts';
import { freshVhost } from '../support/servers.ts';
import { TrackingClient } from '../support/tracking-client.ts';
import { until } from '../support/until.ts';
import { type FaultStack, startFaultStack } from './fault-stack.ts';
import { lineOf } from './trial.ts';

const DEVICES = 500;
const REDIS_DELAY_MS = 100;
const EVENTS = 200;

let stack: FaultStack;
let producer: Producer;
const devices: TrackingClient[] = [];

beforeAll(async () => {
  stack = await startFaultStack(await freshVhost());
  producer = new Producer(stack.amqpUrl);
});
afterAll(async () => {
  for (const device of devices) device.close();
  await producer.close();
  await stack.stop();
});

test('a reconnect storm with a slow Redis', { timeout: 180_000 }, async () => {
  const checker = new Checker();
  const doomed = await stack.startGateway();
  const urls = [doomed.url, ...stack.gateways.map(({ url }) => url)];
  const users = Array.from({ length: DEVICES }, (_, i) => `storm-${i}`);
  const tokens = await Promise.all(users.map((user) => tokenFor(user, { departments: ['storm'] })));
  for (const token of tokens) devices.push(new TrackingClient(urls, token));
  await Promise.all(devices.map((device) => device.begun(1)));

  let published = 0;
  const publish = async (count: number) => {
    const events = Array.from({ length: count }, () => checker.next('department:storm'));
    await producer.publish(...events, ...users.slice(0, count).map((user) => checker.next(`user:${user}`)));
    published += 2 * count;
  };
  const seen = () =>
    devices.flatMap((device, i) =>
      ['department:storm', `user:${users[i]}`].map((audience) => ({ audience, ids: device.seen(audience) })),
    );
  const count = () => seen().reduce((sum, { ids }) => sum + ids.length, 0);
  const expected = () => seen().reduce((sum, { audience }) => sum + checker.count(audience), 0);

  await publish(10);
  await until('the first events', 60_000, () => count() >= expected());
  stack.toRedis.delay(REDIS_DELAY_MS / 2);
  const [before, startMs] = [count(), performance.now()];
  doomed.signal('SIGKILL');
  await doomed.exited;
  while (published < EVENTS) await publish(10);
  await Promise.all(devices.map((device) => device.begun(2)));
  const recoveryMs = performance.now() - startMs;
  // What came while they were away; for those that were quick some of it live.
  const recovered = count() - before;
  stack.toRedis.heal();
  await publish(10);

  await until('every device to have everything', 60_000, () => count() >= expected()).catch(() => {});
  const verdict = checker.judge(seen());
  const deadLettered = await queueDepth(stack.amqpUrl, 'carillon.dead');
  const numbers = {
    published,
    confirmed: published,
    delivered: count(),
    recovered,
    deadLettered,
    recoveryMs,
  };
  console.log(lineOf(`storm of ${DEVICES} devices with a slow Redis`, { verdict, ...numbers }));
  expect(verdict).toEqual(flawless(expected()));
});
