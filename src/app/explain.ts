/** What `explain` reads: outcomes, logs, marks, devices, the queue and the dead letters. */
import type { DeadLetterDesk } from '../contract/dead-letter.ts';
import type { PartHealth } from '../contract/health.ts';
import { createInvestigate, type Investigate } from '../observe/outcomes/investigate.ts';
import type { SettledEvent } from '../observe/outcomes/outcomes.ts';
import { isUnavailable } from '../resilience/unavailable.ts';
import type { Queue } from './queue.ts';
import type { Store } from './store.ts';

export function openExplain(
  { outcomes, inbox, marks, directory, now }: Store,
  queue: Queue,
  desk: DeadLetterDesk,
  canary: () => PartHealth | undefined,
): Investigate {
  return createInvestigate({
    outcomes,
    inbox,
    marks,
    directory,
    waiting: () => queue.waiting(),
    stuck: () => {
      const { ok, reason = 'the canary does not come back' } = canary() ?? { ok: true };
      return ok ? undefined : reason;
    },
    deadLettered: (id, source) => deadLettered(desk, id, source),
    now,
  });
}

/**
 * The dead letter of an event that was too malformed for an outcome. Undefined while another operator has the dead
 * letters in use.
 */
async function deadLettered(
  desk: DeadLetterDesk,
  id: string,
  source: string | undefined,
): Promise<{ readonly source: string; readonly settled: SettledEvent } | undefined> {
  const page = await desk.list({ event: id, limit: 500 }).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
    return undefined;
  });
  const found = page?.deadLetters.find((one) => source === undefined || one.source === source);
  if (found?.time === undefined) return undefined;
  const { time, reason, detail, path } = found;
  const deadLetter = { code: reason, message: detail, ...(path === undefined ? {} : { path }) };
  const atMs = Date.parse(time);
  return {
    source: found.source ?? '',
    settled: { receivedAtMs: atMs, settledAtMs: atMs, audiences: [], count: 0, deadLetter },
  };
}
