/** Measures the cost of connections: memory while they rest, and time when many come at once or come back. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Audience } from '../../../src/contract/audience.ts';
import { type MadeEvent, Payloads } from '../../support/payload.ts';
import type { Figures, Job, PlanOf } from '../job.ts';
import { onStage, type Stage } from '../stage.ts';

/**
 * The size of a broadcast to the clients: the buffers and compressors for a first message are part of a connection's
 * cost.
 */
const DATA_BYTES = 512;

/** The first connections are not counted, because they also create code and tables that all connections share. */
export async function rest(job: Job, plan: PlanOf<'rest'>): Promise<Figures> {
  const { sockets, warmUpSockets, quietMs } = plan;
  const payloads = new Payloads(DATA_BYTES);
  return await onStage(job, { users: warmUpSockets, via: 'redis' }, async (stage) => {
    const { server, crowd, driver } = stage;
    const broadcastAndRest = async (users: number) => {
      driver.send([payloads.next('global')]);
      await crowd.arrived(crowd.received + users);
      await driver.settled();
      await pause(quietMs);
      return await server.usageCollected();
    };
    const before = await broadcastAndRest(warmUpSockets);
    await stage.connect(sockets);
    const after = await broadcastAndRest(warmUpSockets + sockets);
    return {
      connectionBytes: Math.max(after.rssBytes - before.rssBytes, 0) / sockets,
      heapBytes: Math.max(after.heapBytes - before.heapBytes, 0) / sockets,
      deflate: crowd.deflate,
    };
  });
}

/** Connects many clients at once, until each has its first message to the application. */
export async function storm(job: Job, plan: PlanOf<'storm'>): Promise<Figures> {
  const { sockets, warmUpSockets, maxOpening } = plan;
  return await onStage(job, { users: warmUpSockets, via: 'redis' }, async ({ server, crowd }) => {
    return await costOfConnecting({ server, crowd }, await crowd.tokens(sockets), maxOpening);
  });
}

async function costOfConnecting(
  { server, crowd }: Pick<Stage, 'server' | 'crowd'>,
  tokens: readonly string[],
  maxOpening: number,
): Promise<Figures> {
  const before = await server.usage();
  const startMs = performance.now();
  await crowd.connect(tokens, maxOpening);
  const elapsedMs = performance.now() - startMs;
  const after = await server.usage();
  return {
    cpuMicros: (after.cpuMicros - before.cpuMicros) / tokens.length,
    perSecond: (tokens.length / elapsedMs) * 1_000,
    deflate: crowd.deflate,
  };
}

/** Every user is in three departments. One is large, some are medium-sized and many are small. */
function departmentsOf(user: number): readonly string[] {
  return ['staff', `site-${user % 7}`, `team-${user % 50}`];
}

/** Measures a server that has run for a while: the waves before the last one have made Node compile its code. */
export async function sessions(job: Job, plan: PlanOf<'sessions'>): Promise<Figures> {
  const { sockets, waves, maxOpening, unread } = plan;
  return await onStage(job, { users: 1, via: 'redis' }, async ({ server, crowd, driver, left }) => {
    const users = Array.from({ length: sockets }, (_, i) => i + 1);
    const tokens = await crowd.tokens(sockets, (user) => ({ departments: departmentsOf(user) }));
    for (let wave = 1; ; wave += 1) {
      const figures = await costOfConnecting({ server, crowd }, tokens, maxOpening);
      if (wave === waves) return figures;
      crowd.leave(sockets);
      await left();
      if (wave === 1 && unread > 0) await driver.publish(missedBy(users, unread));
    }
  });
}

/** The events that these users missed: this many for each of their logs, one log after the other. */
function missedBy(users: readonly number[], unread: number): readonly MadeEvent[] {
  const departments = new Set(users.flatMap(departmentsOf));
  const logs: readonly Audience[] = [
    'global',
    ...[...departments].map((id): Audience => `department:${id}`),
    ...users.map((user): Audience => `user:${user}`),
  ];
  const payloads = new Payloads(DATA_BYTES);
  return logs.flatMap((audience) => Array.from({ length: unread }, () => payloads.next(audience)));
}
