/**
 * A redrive sends dead letters on their way again, or reports what would become of them.
 *
 * A dead letter is settled only once RabbitMQ has confirmed the event. What is interrupted in between is both: sent,
 * and a dead letter still. It is sent once more by the next redrive, and recognised as a repeat.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Audience } from '../../contract/audience.ts';
import type { ReadEvent } from '../../contract/cloudevent.ts';
import type { DryRun, RedriveOrder, RedriveResult } from '../../contract/dead-letter.ts';
import type { Event } from '../../contract/event.ts';
import { type Read, refuse } from '../../contract/refusal.ts';
import { arrivalIn } from '../../pipeline/sources/arrival.ts';
import type { MessageReader } from '../../pipeline/sources/message-reader.ts';
import { DeadLettersUnavailable, type StoredDeadLetter } from './dead-letter-store.ts';
import type { Found } from './stored-dead-letter.ts';

export interface Assessment {
  /** Reads a message as it would be read now: what sources say may be another thing than when it became a dead letter. */
  readonly reader: Pick<MessageReader, 'read' | 'envelopeIn'>;
  /** What the consumer would make of the event; the audiences are undefined when this process cannot find them out. */
  readonly assess: (read: ReadEvent) => Read<readonly Audience[] | undefined>;
  /** Which of the events the audience's inbox has. Rejects with a code when it cannot be said. */
  readonly has: (audience: Audience, events: readonly Event[]) => Promise<readonly boolean[]>;
}

export interface RedriveParts extends Assessment {
  readonly canSendAgain: (deadLetter: StoredDeadLetter) => boolean;
  readonly sendAgain: (deadLetter: StoredDeadLetter) => Promise<void>;
  readonly settle: (tag: number) => void;
}

interface Redrivable {
  readonly event: Event;
  readonly audiences: readonly Audience[] | undefined;
  readonly deadLetter: StoredDeadLetter;
  readonly tags: readonly number[];
}

type Refused = RedriveResult['refused'];

/** One request takes at most so long; whoever waits in line for the dead letters waits longer. */
const MAX_MS = 10_000;

/** Sent at once, in their order. */
const MAX_TOGETHER = 20;

const SHOWN = 100;

/** Whether an audience has an event is one question to the inbox; those of so many audiences go together. */
const [MAX_QUESTIONS, AUDIENCES_TOGETHER] = [50_000, 100];

export async function redrive(
  found: readonly Found<StoredDeadLetter>[],
  { dryRun, limit, perSecond }: RedriveOrder,
  parts: RedriveParts,
) {
  const { redrivable, refused } = assessAll(found, parts);
  const chosen = redrivable.slice(0, limit);
  const matched = found.length;
  if (dryRun) {
    const forecast = await forecastOf(chosen, parts);
    return { dryRun: true as const, ...forecast, matched, refused, left: redrivable.length - chosen.length };
  }
  const redriven = await sendAll(chosen, perSecond, parts);
  return { dryRun: false as const, redriven, matched, refused, left: redrivable.length - redriven };
}

function assessAll(
  found: readonly Found<StoredDeadLetter>[],
  { assess, reader, canSendAgain }: Pick<RedriveParts, 'assess' | 'reader' | 'canSendAgain'>,
) {
  const redrivable: Redrivable[] = [];
  const byCode = new Map<string, string[]>();
  for (const { facts, tags, kept: deadLetter } of found) {
    const read = canSendAgain(deadLetter)
      ? reader.read(arrivalIn(deadLetter))
      : refuse('invalid_headers', 'its attributes cannot be sent again as they are');
    const assessed = read.ok ? assess(read.value) : read;
    if (read.ok && assessed.ok) {
      redrivable.push({ event: read.value.event, audiences: assessed.value, deadLetter, tags });
    } else if (!assessed.ok) {
      const { code } = assessed.refusal;
      byCode.set(code, [...(byCode.get(code) ?? []), facts.id]);
    }
  }
  const refused: Refused = Array.from(byCode, ([code, ids]) => ({
    code,
    count: ids.length,
    ids: ids.slice(0, SHOWN),
  }));
  return { redrivable, refused };
}

/** Answers how many were confirmed: all, or those until the time was over. */
async function sendAll(chosen: readonly Redrivable[], perSecond: number, parts: RedriveParts) {
  const startMs = Date.now();
  const together = Math.min(MAX_TOGETHER, Math.max(1, Math.floor(perSecond / 10)));
  let redriven = 0;
  for (let i = 0; i < chosen.length; i += together) {
    const dueMs = startMs + (i * 1_000) / perSecond;
    if (dueMs - startMs > MAX_MS || Date.now() - startMs > MAX_MS) break;
    await pause(Math.max(0, dueMs - Date.now()));
    const sent = await Promise.allSettled(
      chosen.slice(i, i + together).map(async ({ deadLetter, tags }) => {
        await parts.sendAgain(deadLetter);
        for (const tag of tags) parts.settle(tag);
      }),
    );
    redriven += sent.filter(({ status }) => status === 'fulfilled').length;
    const failed = sent.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      throw new DeadLettersUnavailable(
        'broker_unavailable',
        `${redriven} were redriven, and all others are dead letters still`,
        failed.reason,
      );
    }
  }
  return redriven;
}

type Forecast = Pick<
  DryRun,
  'redrivable' | 'deliveries' | 'already' | 'unasked' | 'audiences' | 'audienceCount' | 'unrouted'
>;

async function forecastOf(chosen: readonly Redrivable[], { has }: Assessment): Promise<Forecast> {
  const byAudience = new Map<Audience, Event[]>();
  for (const { event, audiences = [] } of chosen) {
    for (const audience of audiences) {
      const events = byAudience.get(audience);
      if (events === undefined) byAudience.set(audience, [event]);
      else events.push(event);
    }
  }
  const audiences = [...byAudience];
  const counts: DryRun['audiences'] = [];
  let [deliveries, asked] = [0, 0];
  for (let i = 0; i < audiences.length; i += AUDIENCES_TOGETHER) {
    const together = audiences.slice(i, i + AUDIENCES_TOGETHER);
    const there =
      asked < MAX_QUESTIONS ? await Promise.all(together.map(([to, events]) => has(to, events))) : [];
    for (const [j, [audience, events]] of together.entries()) {
      deliveries += events.length;
      asked += there[j]?.length ?? 0;
      counts.push({ audience, events: events.length, already: there[j]?.filter(Boolean).length ?? 0 });
    }
  }
  return {
    redrivable: chosen.length,
    deliveries,
    already: counts.reduce((sum, count) => sum + count.already, 0),
    unasked: deliveries - asked,
    audiences: counts.sort((a, b) => b.events - a.events).slice(0, SHOWN),
    audienceCount: byAudience.size,
    unrouted: chosen.filter(({ audiences }) => audiences === undefined).length,
  };
}
