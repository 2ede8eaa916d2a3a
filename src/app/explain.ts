/** What `explain` is given to look at: the trail, logs, marks, devices, the queue and the dead letters. */
import type { DeadLetterDesk } from '../contract/dead-letter.ts';
import { createInvestigate, type Investigate } from '../observe/outcomes/investigate.ts';
import type { SettledEvent } from '../observe/outcomes/outcomes.ts';
import type { Queue } from './queue.ts';
import type { Store } from './store.ts';

export function openExplain(
  { trail, inbox, marks, directory, now }: Store,
  queue: Queue,
  desk: DeadLetterDesk,
  isStuck: () => boolean,
): Investigate {
  return createInvestigate({
    trail,
    inbox,
    marks,
    directory,
    waiting: async () => {
      const waiting = await queue.waiting();
      return waiting === undefined ? undefined : { ...waiting, isStuck: isStuck() };
    },
    buried: (id) => buried(desk, id),
    now,
  });
}

/** Of an event that was too malformed to leave a trail. Dead letters may be in another operator's hands: then nothing. */
async function buried(
  desk: DeadLetterDesk,
  id: string,
): Promise<{ readonly source: string; readonly settled: SettledEvent } | undefined> {
  const page = await desk.list({ limit: 500 }).catch(() => undefined);
  const letter = page?.deadLetters.find(({ event }) => event === id);
  if (letter?.time === undefined) return undefined;
  const { source = '', time, reason, detail, path } = letter;
  const deadLetter = { code: reason, message: detail, ...(path === undefined ? {} : { path }) };
  const atMs = Date.parse(time);
  return {
    source,
    settled: { receivedAtMs: atMs, settledAtMs: atMs, audiences: [], count: 0, deadLetter },
  };
}
