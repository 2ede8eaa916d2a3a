/** Measures broadcasts through Redis to every socket: CPU, bytes on the wire, and deliveries per second. */
import { setTimeout as pause } from 'node:timers/promises';
import { Payloads } from '../../support/payload.ts';
import type { Figures, Job, PlanOf } from '../job.ts';
import { onStage } from '../stage.ts';

/** The pause after a broadcast has arrived everywhere: no server is saturated, and none sleeps for long. */
const PAUSE_MS = 5;

export async function fanOut(job: Job, plan: PlanOf<'fan-out'>): Promise<Figures> {
  const { sockets, dataBytes, perTick, ticks, warmUpTicks } = plan;
  const payloads = new Payloads(dataBytes);
  return await onStage(job, { users: sockets, via: 'redis' }, async ({ server, crowd, driver }) => {
    /** Returns the time from publishing to the last arrival, summed up over all broadcasts. */
    async function broadcast(count: number): Promise<number> {
      let busyMs = 0;
      for (let i = 0; i < count; i += 1) {
        const events = Array.from({ length: perTick }, () => payloads.next('global'));
        const startMs = performance.now();
        driver.send(events);
        await crowd.arrived(crowd.received + sockets * perTick);
        busyMs += performance.now() - startMs;
        await pause(PAUSE_MS);
      }
      await driver.settled();
      return busyMs;
    }

    await broadcast(warmUpTicks);
    const before = await server.usage();
    const bytesBefore = crowd.bytes;
    const busyMs = await broadcast(ticks);
    const after = await server.usage();
    const deliveries = ticks * perTick * sockets;
    const wireBytes = (crowd.bytes - bytesBefore) / deliveries;
    await crowd.expectEach((warmUpTicks + ticks) * perTick);
    return {
      cpuMicros: (after.cpuMicros - before.cpuMicros) / deliveries,
      perSecond: (deliveries / busyMs) * 1_000,
      wireBytes,
      deflate: crowd.deflate,
    };
  });
}
