/**
 * What grows with rooms, gateways, logs and events? These are the measurements behind docs/costs.md and the capacity
 * model in docs/scaling.md, on a private Redis. A run of everything takes two to four minutes, and writes
 * bench/results/scaling.md.
 *
 *     npm run bench:scaling
 *     npm run bench:scaling -- publish throughput     only these     --smoke   does it run?
 */
import { cpus } from 'node:os';
import { Redis } from 'ioredis';
import { startRedis } from '../../test/support/redis.ts';
import { globalNotice } from './scaling/global-notice.ts';
import { logLength } from './scaling/log-length.ts';
import { publish } from './scaling/publish.ts';
import { pinApart } from './scaling/redis-cost.ts';
import { markdownOf } from './scaling/section.ts';
import { subscriptions } from './scaling/subscriptions.ts';
import { throughput } from './scaling/throughput.ts';
import { chosenOf, publish as publishResults } from './support/study.ts';

const MEASUREMENTS = new Map([
  ['subscriptions', subscriptions],
  ['publish', publish],
  ['global-notice', globalNotice],
  ['log-length', logLength],
  ['throughput', throughput],
]);

const chosen = chosenOf([...MEASUREMENTS.keys()]);

const server = await startRedis();
const observer = new Redis(server.url);
try {
  const isPinned = pinApart(server.pid);
  const parts = [await heading(isPinned)];
  for (const [name, measure] of MEASUREMENTS) {
    if (!chosen.includes(name)) continue;
    parts.push(markdownOf(await measure(server.url, observer)));
    console.error(`measured: ${name}`);
  }
  publishResults('scaling.md', `${parts.join('\n\n')}\n`);
} finally {
  observer.disconnect();
  await server.stop();
}

async function heading(isPinned: boolean): Promise<string> {
  const [{ model = 'unknown' } = {}, ...others] = cpus();
  const cores = `${1 + others.length} cores${isPinned ? ', Redis on one and all else on the other' : ''}`;
  const redis = /^redis_version:(\S+)/m.exec(await observer.info('server'))?.[1] ?? 'unknown';
  const today = new Date().toISOString().slice(0, 10);
  return `\`npm run bench:scaling\`: ${model}, ${cores}; Node ${process.version}, Redis ${redis}; ${today}`;
}
