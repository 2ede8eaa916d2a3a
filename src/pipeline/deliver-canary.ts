/**
 * A canary's way through the middle: into its gateway's own log, and nowhere else. It takes the road of every event,
 * append queue and store, but leaves no outcome, no sample and no dead letter: there is one every few seconds. It tells
 * its gateway which process took it from the queue.
 */
import { z } from 'zod';
import { isOwn } from '../contract/audience.ts';
import { isExpired } from '../contract/cloudevent.ts';
import { CANARY_TYPE, type Event } from '../contract/event.ts';
import { readStored } from '../contract/json.ts';
import { encodeEvent } from '../contract/notification.ts';
import { type AppendQueue, AppendQueueClosed } from './inbox/append-queue.ts';
import { type Handle, RELEASE, type Settlement } from './ingest/settlement.ts';

const DONE: Settlement = Object.freeze({ kind: 'ack', isCanary: true });

interface CanariesOptions {
  /** This process. */
  readonly node: string;
  readonly appendQueue: AppendQueue;
  /** The time that gateways go by too. */
  readonly now: () => number;
}

/** Takes canaries aside; `handle` has all other events. */
export function withCanaries(options: CanariesOptions, handle: Handle): Handle {
  return (event, life, publishedAtMs) =>
    event.type === CANARY_TYPE ? deliverCanary(options, event) : handle(event, life, publishedAtMs);
}

const packetSchema = z.tuple([
  z.literal('notification'),
  z.object({ id: z.string(), data: z.object({ takenBy: z.string().optional() }).optional() }),
]);

/**
 * Which canary the packet `42["notification",{…}]` carries, and which process took it from the queue: undefined when
 * that is of a version that does not say so.
 */
export function canaryOfPacket(
  packet: string,
): { readonly id: string; readonly takenBy: string | undefined } | undefined {
  const canary = readStored(packetSchema, packet.slice(2))?.[1];
  return canary === undefined ? undefined : { id: canary.id, takenBy: canary.data?.takenBy };
}

async function deliverCanary({ node, appendQueue, now }: CanariesOptions, event: Event): Promise<Settlement> {
  const takenAt = new Date(now());
  // It waited while no consumer was there, and nobody waits for it any more.
  if (isExpired(event, takenAt.getTime())) return DONE;
  const [audience, ...others] = event.audience ?? [];
  if (audience === undefined || !isOwn(audience) || others.length > 0) {
    const message = `the type ${CANARY_TYPE} is Carillon's own, and leads to one of its own topics`;
    return { kind: 'dead-letter', refusal: { code: 'invalid_audience', message, path: 'audience' } };
  }
  const { source, id } = event;
  const text = encodeEvent({ ...event, data: { takenBy: node } }, takenAt)(audience);
  try {
    await appendQueue.append(audience, { source, id, text, sampled: false });
    return DONE;
  } catch (error) {
    if (error instanceof AppendQueueClosed) return RELEASE;
    throw error;
  }
}
