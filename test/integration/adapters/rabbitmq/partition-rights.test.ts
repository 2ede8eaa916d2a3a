/** A user of RabbitMQ with exactly the rights that docs/rabbitmq-and-redis.md tells for partitions turns them on and off. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isReady, JWT_SECRET, startCarillon } from '../../../support/carillon.ts';
import { vhostOf } from '../../../support/rabbitmq.ts';
import { freshRedis, freshVhost, sharedManagement } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

const PAGE = readFileSync(new URL('../../../../docs/rabbitmq-and-redis.md', import.meta.url), 'utf8');
const ONE = ['carillon.deliver'];
const THREE = [0, 1, 2].map((partition) => `carillon.deliver.${partition}`);
const USER = 'partitioned';

function documentedRights() {
  const command = PAGE.split('rabbitmqctl set_permissions -p / carillon ')[1] ?? '';
  const [, deliver = '', partitions = ''] =
    /write `(deliver[^`]*)` for `deliver`\s+in all three, and add `([^`]*)`/.exec(PAGE) ?? [];
  const [configure, write, read] = [...command.matchAll(/'([^']*)'/g)].map(([, right = '']) =>
    right.replace('|deliver|', `|${deliver}|${partitions}|`),
  );
  return { configure, write, read };
}

test('one queue, three partitions and one queue again', async () => {
  const url = new URL(await freshVhost());
  const vhost = vhostOf(url.href);
  await sharedManagement().put(`users/${USER}`, { password: 'secret', tags: '' });
  await sharedManagement().put(`permissions/${encodeURIComponent(vhost)}/${USER}`, documentedRights());
  [url.username, url.password] = [USER, 'secret'];
  const environment = { AMQP_URL: url.href, REDIS_URL: await freshRedis(), JWT_SECRET, CANARY_SECONDS: '1' };
  for (const PARTITIONS of ['1', '3', '1']) {
    const carillon = await startCarillon({ ...environment, PARTITIONS });
    await until(`${PARTITIONS} queues`, 60_000, async () => {
      const names = (await sharedManagement().queues(vhost)).map(({ name }) => name);
      const queues = names.filter((name) => name.startsWith('carillon.deliver')).toSorted();
      return queues.join() === (PARTITIONS === '1' ? ONE : THREE).join();
    });
    await expect.poll(() => isReady(carillon)).toBe(true);
    expect(carillon.output.filter((line) => /right_missing|_refused|ACCESS_REFUSED/.test(line))).toEqual([]);
    await carillon.stop();
  }
});
