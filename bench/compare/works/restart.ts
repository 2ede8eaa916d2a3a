/** Measures how clients experience a deploy: two servers restart one after the other while events go to everybody. */
import { freePort } from '../../../test/support/ports.ts';
import { until } from '../../../test/support/until.ts';
import { tokensOf } from '../../support/crowd.ts';
import { quantile } from '../../support/figures.ts';
import { Payloads } from '../../support/payload.ts';
import { contestants } from '../contestants.ts';
import type { Figures, Job, PlanOf } from '../job.ts';
import { Roamers } from '../roamers.ts';
import { ServerProcess } from '../server-process.ts';
import { serverOptions } from '../stage.ts';

const DATA_BYTES = 512;
const MAX_BACK_MS = 180_000;

/**
 * Returns the time until all clients are back, and the latency of what the readers got meanwhile, with its slowest
 * hundredth.
 */
export async function restart(job: Job, plan: PlanOf<'restart'>): Promise<Figures> {
  const { sockets, maxOpening, everyMs } = plan;
  const { protocol, openDriver } = contestants[job.contestant];
  const ports = [await freePort(), await freePort()];
  const start = (at: number) => ServerProcess.start(serverOptions(job, ports[at] ?? 0, false));
  const servers = [await start(0), await start(1)];
  const driver = await openDriver(job.redisUrl);
  const sentMs = new Map<string, number>();
  const latenciesMs: number[] = [];
  const roamers = new Roamers({
    ports,
    protocol,
    tokens: await tokensOf(0, sockets),
    onEvent: (id) => latenciesMs.push(performance.now() - (sentMs.get(id) ?? Number.NaN)),
  });
  let publishing: NodeJS.Timeout | undefined;
  try {
    await roamers.connect(maxOpening);
    const payloads = new Payloads(DATA_BYTES);
    const faults: unknown[] = [];
    publishing = setInterval(() => {
      const event = payloads.next('global');
      sentMs.set(event.id, performance.now());
      driver.publish([event]).catch((error: unknown) => faults.push(error));
    }, everyMs);
    const beganMs = performance.now();
    for (const at of servers.keys()) {
      await servers[at]?.end();
      servers[at] = await start(at);
    }
    await until('all clients to be back', MAX_BACK_MS, () => roamers.connected === sockets);
    const backMs = performance.now() - beganMs;
    if (faults.length > 0) throw faults[0];
    const sorted = latenciesMs.toSorted((a, b) => a - b);
    return {
      backMs,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      deflate: protocol.offersDeflate,
    };
  } finally {
    clearInterval(publishing);
    roamers.close();
    await driver.close();
    for (const server of servers) await server.stop();
  }
}
