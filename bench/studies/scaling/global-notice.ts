/**
 * What does a notice to everybody cost, by the number of gateways? Uses the real append, and one process per gateway.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Inbox } from '../../../src/pipeline/inbox/inbox.ts';
import { until } from '../../../test/support/until.ts';
import { decimal, median } from '../../support/figures.ts';
import { inHand } from '../../support/load.ts';
import { madeEntry } from '../support/entries.ts';
import { sized } from '../support/size.ts';
import { openCommands, openInbox } from './connections.ts';
import { redisCostOf } from './redis-cost.ts';
import { type Section, spread } from './section.ts';

const NODES = sized([0, 1, 2, 4, 8], [0, 2]);
const NOTICES = sized(1_000, 20);
const ROUNDS = sized(5, 1);
/** How many notices are sent singly: each waits until all nodes have the one before. */
const APART = sized(100, 5);
const ARRIVAL_TIMEOUT_MS = 20_000;

const arrivalsSchema = z.array(z.object({ offset: z.number(), atMicros: z.number() }));

/** How many nodes have reported each notice, and when the last of them had it. */
type Arrivals = Map<number, { count: number; lastMicros: number }>;

export async function globalNotice(url: string, observer: Redis): Promise<Section> {
  await observer.flushall();
  const redis = await openCommands(url);
  const inbox = await openInbox(redis, 1_000);
  const arrivals: Arrivals = new Map();
  const children: ChildProcess[] = [];
  const rows: string[][] = [];
  try {
    for (const nodes of NODES) {
      while (children.length < nodes) children.push(await startNode(url, arrivals));
      const micros = await costs(observer, inbox, arrivals, nodes);
      const lastMs = nodes === 0 ? [] : await latenciesToLastMs(inbox, arrivals, nodes);
      rows.push([String(nodes), spread(micros), ...(nodes === 0 ? ['', ''] : quantiles(lastMs))]);
    }
  } finally {
    for (const child of children) child.disconnect();
    redis.disconnect();
  }
  return {
    title: 'A global notice by the number of gateways',
    note: `Appended by the script to a full log of 1,000, 512 bytes each, one after the other. CPU: medians of ${ROUNDS} rounds of ${decimal(NOTICES)}. Times: from before the append until the last process has it, of ${APART} that each wait for the one before. All the processes share one core, so they receive one after the other; gateways on machines of their own do not.`,
    columns: [
      'subscribed processes',
      'CPU-µs of Redis a notice',
      'ms until the last has it, median',
      'ms until the last has it, 95 of 100',
    ],
    rows,
  };
}

async function startNode(url: string, arrivals: Arrivals): Promise<ChildProcess> {
  const child = fork(new URL('./node.ts', import.meta.url), [url]);
  await once(child, 'message');
  child.on('message', (message) => {
    for (const { offset, atMicros } of arrivalsSchema.parse(message)) {
      const known = arrivals.get(offset);
      const lastMicros = Math.max(known?.lastMicros ?? 0, atMicros);
      arrivals.set(offset, { count: (known?.count ?? 0) + 1, lastMicros });
    }
  });
  return child;
}

async function append(inbox: Inbox, nodes: number): Promise<number> {
  const [place] = await inbox.append('global', [madeEntry('global')]);
  if (place?.gateways !== nodes) throw new Error(`${place?.gateways} subscribers instead of ${nodes}`);
  return place.offset;
}

async function costs(observer: Redis, inbox: Inbox, arrivals: Arrivals, nodes: number): Promise<number[]> {
  await inHand(1, NOTICES, () => append(inbox, nodes));
  const micros: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const { cpuMicros } = await redisCostOf(observer, async () => {
      let last = 0;
      await inHand(1, NOTICES, async () => {
        last = await append(inbox, nodes);
      });
      await allHave(last, arrivals, nodes);
    });
    micros.push(cpuMicros / NOTICES);
  }
  return micros;
}

async function latenciesToLastMs(inbox: Inbox, arrivals: Arrivals, nodes: number): Promise<number[]> {
  const latencies: number[] = [];
  await inHand(1, APART, async () => {
    const startMicros = Number(process.hrtime.bigint() / 1_000n);
    const offset = await append(inbox, nodes);
    await allHave(offset, arrivals, nodes);
    latencies.push(((arrivals.get(offset)?.lastMicros ?? Number.NaN) - startMicros) / 1_000);
  });
  return latencies;
}

async function allHave(offset: number, arrivals: Arrivals, nodes: number): Promise<void> {
  if (nodes === 0) return;
  await until(`notice ${offset} to arrive`, ARRIVAL_TIMEOUT_MS, () => arrivals.get(offset)?.count === nodes);
}

function quantiles(values: readonly number[]): string[] {
  const sorted = values.toSorted((a, b) => a - b);
  return [decimal(median(values)), decimal(sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN)];
}
