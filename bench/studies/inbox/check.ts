/** What does the periodic check cost the gateway and Redis? It compares a gateway's rooms with their logs. */
import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import { Server } from 'socket.io';
import { type Audience, roomOf } from '../../../src/contract/audience.ts';
import { Feeds } from '../../../src/edge/gateway/feeds.ts';
import { MemoryLive } from '../../../src/edge/gateway/memory-live-messages.ts';
import { decimal, median } from '../../support/figures.ts';
import { costOf, inHand } from '../../support/load.ts';
import { madeEntry } from '../support/entries.ts';
import { sized } from '../support/size.ts';
import { callsBetween, useOf } from '../support/traffic.ts';
import { report } from './facts.ts';
import { openStore } from './store.ts';

const ROOMS = sized(20_000, 200);
/** The default of FEED_CHECK_SECONDS. */
const CHECK_MS = sized(20_000, 1_000);
/** 30 s with the check and 30 s without. */
const WINDOWS = sized(6, 4);
const WINDOW_MS = sized(5_000, 500);
const MAX_CPU_PERCENT = 1;
const MAX_COMMANDS = 1_500;

const { observer, inbox } = await openStore();
const audiences = Array.from({ length: ROOMS }, (_, i): Audience => `user:${i}`);
await inHand(100, ROOMS, async (at) => {
  const audience = audiences[at];
  if (audience !== undefined) await inbox.append(audience, [madeEntry(audience)]);
});

/** Takes medians of short windows. Otherwise, collecting the garbage of the start would outweigh everything else. */
async function watched() {
  const before = await useOf(observer);
  const cpu: number[] = [];
  for (let i = 0; i < WINDOWS; i += 1) cpu.push((await costOf(() => pause(WINDOW_MS))).cpuMicros);
  const after = await useOf(observer);
  const seconds = (WINDOWS * WINDOW_MS) / 1_000;
  return {
    cpuPercent: (median(cpu) / WINDOW_MS / 1_000) * 100,
    redisCpuPercent: ((after.cpuMicros - before.cpuMicros) / 1e6 / seconds) * 100,
    total: (after.totalCommands - before.totalCommands) / seconds,
    calls: callsBetween(before, after) / seconds,
    scripts: callsBetween(before, after, 'evalsha') / seconds,
  };
}

// The rooms have no sockets and no subscriptions, because those cost the same with and without the check.
const live = new MemoryLive();
let healed = 0;
const feeds = new Feeds({
  inbox,
  live,
  now: Date.now,
  checkMs: CHECK_MS,
  observers: {
    passedOn: () => {},
    healed: () => {
      healed += 1;
    },
  },
  log: pino({ level: 'silent' }),
});
const adapter = live.adapterFor(new Server().of('/'), feeds.receiver);
feeds.follow(adapter);
await adapter.addAll('socket', new Set(audiences.map(roomOf)));
await feeds.opened(audiences);
// A few checks first, so that Node has compiled the code.
await pause(WINDOW_MS);
const checked = await watched();
feeds.close();
await pause(sized(2_000, 50));
const idle = await watched();
if (healed > 0) throw new Error('a feed was behind: more than the check was measured');

const cpu = checked.cpuPercent - idle.cpuPercent;
const calls = checked.calls - idle.calls;
if (calls <= 0) throw new Error('no check came while it was watched');
report([
  {
    what: `check of ${decimal(ROOMS)} rooms, FEED_CHECK_SECONDS=${CHECK_MS / 1_000}: CPU of the gateway`,
    measured: `${decimal(cpu)} % of a core (${decimal(checked.cpuPercent)} % with, ${decimal(idle.cpuPercent)} % without)`,
    target: { text: `< ${MAX_CPU_PERCENT} %`, met: cpu < MAX_CPU_PERCENT },
  },
  {
    what: 'the same: commands in Redis, those inside scripts too',
    measured: `${decimal(calls)}/s (total_commands_processed ${decimal(checked.total - idle.total)}/s; ${decimal(checked.scripts - idle.scripts)} EVALSHA/s)`,
    target: { text: `< ${decimal(MAX_COMMANDS)}/s`, met: calls < MAX_COMMANDS },
  },
  {
    what: 'the same: CPU of Redis',
    measured: `${decimal(checked.redisCpuPercent - idle.redisCpuPercent)} % of a core`,
  },
]);
