/**
 * A canary's way through the middle: into its gateway's own log, and nowhere else. It takes the road of every event,
 * append queue and store, but leaves no outcome, no sample and no dead letter: there is one every few seconds.
 */
import { isOwn } from '../contract/audience.ts';
import { isExpired } from '../contract/cloudevent.ts';
import { CANARY_TYPE, type Event } from '../contract/event.ts';
import { encodeEvent } from '../contract/notification.ts';
import { type AppendQueue, AppendQueueClosed } from './inbox/append-queue.ts';
import { type Handle, RELEASE, type Settlement } from './ingest/settlement.ts';

const DONE: Settlement = Object.freeze({ kind: 'ack', isCanary: true });

/** Takes canaries aside; `handle` has all other events. `now`: the time that gateways go by too. */
export function withCanaries(appendQueue: AppendQueue, now: () => number, handle: Handle): Handle {
  return (event, life, publishedAtMs) =>
    event.type === CANARY_TYPE
      ? deliverCanary(appendQueue, event, new Date(now()))
      : handle(event, life, publishedAtMs);
}

async function deliverCanary(appendQueue: AppendQueue, event: Event, now: Date): Promise<Settlement> {
  // It waited while no consumer was there, and nobody waits for it any more.
  if (isExpired(event, now.getTime())) return DONE;
  const [audience, ...others] = event.audience ?? [];
  if (audience === undefined || !isOwn(audience) || others.length > 0) {
    const message = `the type ${CANARY_TYPE} is Carillon's own, and leads to one of its own topics`;
    return { kind: 'dead-letter', refusal: { code: 'invalid_audience', message, path: 'audience' } };
  }
  const { source, id } = event;
  const text = encodeEvent(event, now)(audience);
  try {
    await appendQueue.append(audience, { source, id, text, sampled: false });
    return DONE;
  } catch (error) {
    if (error instanceof AppendQueueClosed) return RELEASE;
    throw error;
  }
}
