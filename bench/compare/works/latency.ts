/** Measures the time from publishing to the frame at the client, with events to one user each at a fixed rate. */

import { quantile } from '../../support/figures.ts';
import { Payloads } from '../../support/payload.ts';
import type { Figures, Job, PlanOf } from '../job.ts';
import type { Usage } from '../server-process.ts';
import { onStage } from '../stage.ts';

const DATA_BYTES = 512;
const TICK_MS = 1;

export async function latency(job: Job, plan: PlanOf<'latency'>): Promise<Figures> {
  const { via, sockets, perSecond, events, warmUpEvents } = plan;
  const total = warmUpEvents + events;
  const payloads = new Payloads(DATA_BYTES);
  const made = Array.from({ length: total }, (_, at) => payloads.next(`user:${at % sockets}`));
  return await onStage(job, { users: sockets, via }, async ({ server, crowd, driver }) => {
    const sentMs = new Float64Array(total);
    const latenciesMs: number[] = [];
    // Users take turns, and each user's events arrive in order, so the count tells which event has arrived.
    crowd.onNotification = (user, nth) => {
      const at = nth * sockets + user;
      if (at >= warmUpEvents) latenciesMs.push(performance.now() - (sentMs[at] ?? Number.NaN));
    };

    const startMs = performance.now();
    let before: Promise<Usage> | undefined;
    let sent = 0;
    const published = new Promise<void>((resolve) => {
      const tick = () => {
        const due = Math.min(((performance.now() - startMs) / 1_000) * perSecond, total);
        while (sent < due) {
          const event = made[sent];
          sentMs[sent] = performance.now();
          if (event !== undefined) driver.send([event]);
          sent += 1;
        }
        if (sent >= warmUpEvents) before ??= server.usage();
        if (sent < total) setTimeout(tick, TICK_MS);
        else resolve();
      };
      tick();
    });
    await published;
    await crowd.arrived(total);
    await driver.settled();
    const after = await server.usage();
    await crowd.expectEach(total / sockets);
    const sorted = latenciesMs.toSorted((a, b) => a - b);
    return {
      cpuMicros: (after.cpuMicros - ((await before)?.cpuMicros ?? Number.NaN)) / events,
      perSecond,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      deflate: crowd.deflate,
    };
  });
}
