/**
 * Measures the way from RabbitMQ to the sockets, with the consumer in the measured process: to one user each, or to
 * everybody.
 */
import type { Audience } from '../../../src/contract/audience.ts';
import { type MadeEvent, Payloads } from '../../support/payload.ts';
import type { Figures, Job, PlanOf } from '../job.ts';
import { onStage, type Stage } from '../stage.ts';

const DATA_BYTES = 512;

/** Sends one event after the other to the users in turn. At most `maxInFlight` are on their way at a time. */
export async function toUsers(job: Job, plan: PlanOf<'to-users'>): Promise<Figures> {
  const { sockets, events, warmUpEvents, maxInFlight } = plan;
  const made = madeEvents(warmUpEvents + events, (at) => `user:${at % sockets}`);
  return await onStage(job, { users: sockets, via: 'rabbitmq' }, async (stage) => {
    await sendAll(stage, made.slice(0, warmUpEvents), maxInFlight);
    const figures = await costOfEach(stage, events, () =>
      sendAll(stage, made.slice(warmUpEvents), maxInFlight),
    );
    await stage.crowd.expectEach(made.length / sockets);
    return figures;
  });
}

/** Resolves when every event has arrived, each at one user. */
export async function sendAll(
  { crowd, driver }: Stage,
  events: readonly MadeEvent[],
  maxInFlight: number,
): Promise<void> {
  const first = crowd.received;
  let sent = 0;
  const pump = () => {
    const free = Math.min(maxInFlight - (sent - (crowd.received - first)), events.length - sent);
    // Sends larger groups: with single events, the producer's own writes would dominate the measurement.
    if (free < Math.min(maxInFlight / 4, events.length - sent) || free === 0) return;
    driver.send(events.slice(sent, sent + free));
    sent += free;
  };
  crowd.onNotification = pump;
  pump();
  await crowd.arrived(first + events.length);
}

/** Publishes all events at once. Each goes to every socket. */
export async function burst(job: Job, plan: PlanOf<'burst'>): Promise<Figures> {
  const { sockets, events, warmUpEvents } = plan;
  const made = madeEvents(warmUpEvents + events, () => 'global');
  return await onStage(job, { users: sockets, via: 'rabbitmq' }, async (stage) => {
    const publish = async (batch: readonly MadeEvent[]) => {
      const first = stage.crowd.received;
      stage.driver.send(batch);
      await stage.crowd.arrived(first + batch.length * sockets);
    };
    await publish(made.slice(0, warmUpEvents));
    const figures = await costOfEach(stage, events * sockets, () => publish(made.slice(warmUpEvents)));
    await stage.crowd.expectEach(made.length);
    return figures;
  });
}

export function madeEvents(count: number, audienceOf: (at: number) => Audience): readonly MadeEvent[] {
  const payloads = new Payloads(DATA_BYTES);
  return Array.from({ length: count }, (_, at) => payloads.next(audienceOf(at)));
}

/** The server's cost of `run` per delivery. */
export async function costOfEach(
  { server, crowd, driver }: Stage,
  deliveries: number,
  run: () => Promise<void>,
) {
  await driver.settled();
  const before = await server.usage();
  const bytesBefore = crowd.bytes;
  const startMs = performance.now();
  await run();
  const elapsedMs = performance.now() - startMs;
  await driver.settled();
  const after = await server.usage();
  return {
    cpuMicros: (after.cpuMicros - before.cpuMicros) / deliveries,
    perSecond: (deliveries / elapsedMs) * 1_000,
    wireBytes: (crowd.bytes - bytesBefore) / deliveries,
    deflate: crowd.deflate,
  };
}
