/** What metrics and the log make of deliveries. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { logSampledDeliveries } from '../../../src/observe/delivery-log.ts';
import { countDeliveries } from '../../../src/observe/delivery-metrics.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { packetOf } from '../../../src/pipeline/inbox/live-message.ts';

const event = { source: '/orders', id: 'e1', type: 'order.shipped' };
const packet = packetOf(JSON.stringify({ ...event, data: { title: 'of nobody else' } }));
const message = { epoch: 'e', offset: 7, sampled: true, packet };

test('deliveries, heals and recoveries are counted, heals without those of the canary', async () => {
  const metrics = new Metrics({ node: 'n', version: '1', roles: 'gateway' });
  const observer = countDeliveries(metrics, () => 2_000);
  observer.passedOn?.('user:ada', { ...message, publishedAtMs: 1_500 }, 3);
  observer.healed?.('department:sales');
  observer.healed?.('topic:carillon.canary.n1');
  observer.recovered?.('part', 4);
  const { text } = await metrics.expose();
  expect(text).toContain('carillon_deliveries_total{kind="user"} 3\n');
  expect(text).toContain('carillon_feed_heals_total{kind="department"} 1\n');
  expect(text).toContain('carillon_feed_heals_total{kind="topic"} 0\n');
  expect(text).toContain('carillon_recoveries_total{result="part"} 1\n');
  expect(text).toContain('carillon_recovered_notifications_total 4\n');
});

test('the log has each delivery of a sampled event, without its data', () => {
  const lines: string[] = [];
  const observer = logSampledDeliveries(pino({ base: null }, { write: (line) => void lines.push(line) }));
  observer.passedOn?.('user:ada', { ...message, sampled: false }, 3);
  expect(lines).toEqual([]);
  observer.passedOn?.('user:ada', message, 3);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { msg: 'delivered', event, audience: 'user:ada', epoch: 'e', offset: 7, sockets: 3 },
  ]);
  expect(lines.join()).not.toContain('nobody else');
});
