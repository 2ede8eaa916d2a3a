/** The doctor sees that RabbitMQ is short of memory, which RabbitMQ says only to whoever publishes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JWT_SECRET, startCarillon } from '../support/carillon.ts';
import { cli } from '../support/cli.ts';
import { type RabbitMqServer, startRabbitMq } from '../support/rabbitmq.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { rabbitmqctl } from './rabbitmqctl.ts';

let rabbitMq: RabbitMqServer;
let redis: RedisServer;

beforeAll(async () => {
  [rabbitMq, redis] = await Promise.all([startRabbitMq(), startRedis({ persistent: true })]);
});
afterAll(async () => {
  await Promise.all([rabbitMq.stop(), redis.stop()]);
});

test('the alarm is wrong, and over when it is over', { timeout: 300_000 }, async ({ skip }) => {
  // In Docker there is no process here whose rabbitmqctl could be asked.
  if (rabbitMq.folder === undefined) skip();
  const env = { AMQP_URL: rabbitMq.url(), REDIS_URL: redis.url, JWT_SECRET };
  const carillon = await startCarillon(env);
  await rabbitmqctl(rabbitMq, 'set_vm_memory_high_watermark', 'absolute', '1');
  // RabbitMQ tells it to all of its parts only when the command has been answered.
  await expect
    .poll(() => cli(['doctor', '--json'], env), { timeout: 90_000 })
    .toMatchObject({
      exitCode: 1,
      out: expect.stringContaining(
        '"rabbitmq alarms","verdict":"wrong","found":"it takes no messages: low on memory"',
      ),
    });
  await rabbitmqctl(rabbitMq, 'set_vm_memory_high_watermark', '0.8');
  await expect
    .poll(async () => (await cli(['doctor', '--json'], env)).out, { timeout: 90_000 })
    .toContain('"rabbitmq alarms","verdict":"ok"');
  await carillon.stop();
});
