/** How many appends does one Redis take per second? By persistence, and by how the events spread over audiences. */
import type { Redis } from 'ioredis';
import type { Audience } from '../../../src/contract/audience.ts';
import { AppendQueue } from '../../../src/pipeline/inbox/append-queue.ts';
import type { Inbox } from '../../../src/pipeline/inbox/inbox.ts';
import { until } from '../../../test/support/until.ts';
import { decimal, median } from '../../support/figures.ts';
import { inHand } from '../../support/load.ts';
import { madeEntry } from '../support/entries.ts';
import { sized } from '../support/size.ts';
import { channelFor, openCommands, openInbox, openSubscriber } from './connections.ts';
import { infoNumber, redisCostOf } from './redis-cost.ts';
import { type Section, spread } from './section.ts';

const APPENDS = sized(10_000, 500);
const ROUNDS = sized(5, 1);
/** The default of PREFETCH: a consumer has this many events in hand. */
const IN_HAND = 256;
const REWRITE_TIMEOUT_MS = 20_000;

const ONE: readonly Audience[] = ['global'];
const THOUSAND = Array.from({ length: 1_000 }, (_, i): Audience => `user:${i}`);

export async function throughput(url: string, observer: Redis): Promise<Section> {
  await observer.flushall();
  const redis = await openCommands(url);
  const inbox = await openInbox(redis, 1_000);
  const gateway = await openSubscriber(url);
  const rows: string[][] = [];
  const both = async (persistence: string) => {
    rows.push([persistence, 'one hot audience', ...(await rounds(observer, inbox, ONE))]);
    rows.push([persistence, '1,000 audiences in turn', ...(await rounds(observer, inbox, THOUSAND))]);
  };
  await both('none');
  await gateway.ssubscribe(...THOUSAND.map(channelFor));
  rows.push([
    'none',
    '1,000 audiences in turn, each hosted by one gateway',
    ...(await rounds(observer, inbox, THOUSAND)),
  ]);
  await gateway.sunsubscribe();
  for (const fsync of ['everysec', 'always']) {
    await keepAppendOnlyFile(observer, fsync);
    await both(`\`appendfsync ${fsync}\``);
  }
  await observer.config('SET', 'appendonly', 'no');
  gateway.disconnect();
  redis.disconnect();
  return {
    title: 'Appends that one Redis takes',
    note: `AppendQueue and RedisInbox as the consumer has them, ${IN_HAND} events of 512 bytes in hand, one Redis on one core and the appending process on the other, without RabbitMQ; medians of ${ROUNDS} rounds of ${decimal(APPENDS)}. What the CPU allows is 1 s ÷ CPU an append; the rate seen is also bounded by the appending process, and by other load on the machine.`,
    columns: ['persistence', 'audiences', 'CPU-µs of Redis an append', 'the CPU allows, /s', 'rate seen, /s'],
    rows,
  };
}

async function rounds(observer: Redis, inbox: Inbox, audiences: readonly Audience[]): Promise<string[]> {
  const appendQueue = new AppendQueue(inbox, (error) => {
    throw error;
  });
  const append = async (at: number) => {
    const audience = audiences[at % audiences.length];
    if (audience !== undefined) await appendQueue.append(audience, madeEntry(audience));
  };
  const micros: number[] = [];
  const rates: number[] = [];
  await inHand(IN_HAND, APPENDS, append);
  for (let i = 0; i < ROUNDS; i += 1) {
    const { cpuMicros, elapsedMs } = await redisCostOf(observer, () => inHand(IN_HAND, APPENDS, append));
    micros.push(cpuMicros / APPENDS);
    rates.push((APPENDS / elapsedMs) * 1_000);
  }
  return [spread(micros), decimal(1e6 / median(micros)), spread(rates)];
}

/** Redis must not rewrite the file by itself, because that would fall into one round and not into the next. */
async function keepAppendOnlyFile(observer: Redis, fsync: string): Promise<void> {
  await observer.flushall();
  await observer.config('SET', 'auto-aof-rewrite-percentage', '0');
  await observer.config('SET', 'appendfsync', fsync);
  await observer.config('SET', 'appendonly', 'yes');
  await until('the file to be begun', REWRITE_TIMEOUT_MS, async () => {
    const running = await infoNumber(observer, 'persistence', 'aof_rewrite_in_progress');
    const scheduled = await infoNumber(observer, 'persistence', 'aof_rewrite_scheduled');
    return running + scheduled === 0;
  });
}
