/** What connections cost: memory while they rest, and time while many come at once. */
import { setTimeout as pause } from 'node:timers/promises';
import { Payloads } from '../../support/payload.ts';
import type { Figures, Job, PlanOf } from '../job.ts';
import { onStage } from '../stage.ts';

/** A broadcast to those connected: buffers and compressors that a first message makes are part of a connection. */
const DATA_BYTES = 512;

/** The first connections are not counted: code and tables that all share come with them. */
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
      deflate: crowd.deflate,
    };
  });
}

/** Until each has its first message to the application. */
export async function storm(job: Job, plan: PlanOf<'storm'>): Promise<Figures> {
  const { sockets, warmUpSockets, maxOpening } = plan;
  return await onStage(job, { users: warmUpSockets, via: 'redis' }, async ({ server, crowd }) => {
    const tokens = await crowd.tokens(sockets);
    const before = await server.usage();
    const startMs = performance.now();
    await crowd.connect(tokens, maxOpening);
    const elapsedMs = performance.now() - startMs;
    const after = await server.usage();
    return {
      cpuMicros: (after.cpuMicros - before.cpuMicros) / sockets,
      perSecond: (sockets / elapsedMs) * 1_000,
      deflate: crowd.deflate,
    };
  });
}
