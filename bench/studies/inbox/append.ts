/**
 * What does one append cost? Measures round trips, the CPU time of the appending process and of Redis, and appends per
 * second.
 */
import type { Audience } from '../../../src/contract/audience.ts';
import { AppendQueue } from '../../../src/pipeline/inbox/append-queue.ts';
import { decimal, median } from '../../support/figures.ts';
import { costOf, inHand, latenciesMs } from '../../support/load.ts';
import { madeEntry } from '../support/entries.ts';
import { sized } from '../support/size.ts';
import { callsBetween, trafficOf, useOf } from '../support/traffic.ts';
import { type Fact, report } from './facts.ts';
import { openStore } from './store.ts';

const ALONE = sized(1_000, 20);
const ROUNDS = sized(7, 1);
const APPENDS = sized(10_000, 300);
/** The default of PREFETCH: a consumer has this many events in hand. */
const IN_HAND = 256;

const { redis, observer, inbox } = await openStore();
const appendQueue = new AppendQueue(inbox, (error) => {
  throw error;
});

async function alone(): Promise<Fact[]> {
  const append = () => inbox.append('user:alone', [madeEntry('user:alone')]);
  await append();
  const traffic = await trafficOf(redis, append);
  const before = await useOf(observer);
  await inHand(1, ALONE, append);
  const scripts = callsBetween(before, await useOf(observer), 'evalsha') / ALONE;
  const met = traffic.rounds === 1 && traffic.commands === 1 && scripts === 1;
  return [
    {
      what: 'append one event to one audience: round trips',
      measured: `${traffic.rounds} (${traffic.commands} command; ${decimal(scripts)} EVALSHA in Redis)`,
      target: { text: '1', met },
    },
    {
      what: 'the same, one after the other: latency',
      measured: `${decimal(median(await latenciesMs(ALONE, append)))} ms`,
    },
  ];
}

async function many(what: string, audiences: readonly Audience[]): Promise<Fact> {
  const append = async (at: number) => {
    const audience = audiences[at % audiences.length];
    if (audience !== undefined) await appendQueue.append(audience, madeEntry(audience));
  };
  await inHand(IN_HAND, 2 * APPENDS, append);
  const rounds: { own: number; redis: number; perSecond: number; scripts: number }[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const before = await useOf(observer);
    const { cpuMicros, elapsedMs } = await costOf(() => inHand(IN_HAND, APPENDS, append));
    const after = await useOf(observer);
    rounds.push({
      own: cpuMicros / APPENDS,
      redis: (after.cpuMicros - before.cpuMicros) / APPENDS,
      perSecond: (APPENDS / elapsedMs) * 1_000,
      scripts: callsBetween(before, after, 'evalsha') / APPENDS,
    });
  }
  const of = (figure: keyof (typeof rounds)[number]) => decimal(median(rounds.map((round) => round[figure])));
  return {
    what,
    measured: `${of('own')} µs CPU of the consumer, ${of('redis')} µs of Redis, ${of('scripts')} EVALSHA an append; ${of('perSecond')} appends/s`,
  };
}

const thousand = Array.from({ length: 1_000 }, (_, i): Audience => `user:${i}`);
report([
  ...(await alone()),
  await many(`append to one hot audience, ${IN_HAND} events in hand`, ['global']),
  await many(`append to 1,000 audiences, ${IN_HAND} events in hand`, thousand),
]);
