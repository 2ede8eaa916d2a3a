/**
 * Erases a user, step by step. How far it has come is stored after each piece of work, so that a request takes a bounded
 * time, any process can go on, and one that died is no loss: each piece may be done twice.
 *
 * First of all every process learns of it (revoking). From then on older tokens are refused, devices that leave are not
 * remembered, and events that were published before are not delivered to the user. But a process may be about to write
 * something and hear of it a little later. So everything is removed once at once, and once more when all of them must have
 * heard (settling).
 */
import { z } from 'zod';
import type { Audience } from '../../contract/audience.ts';
import { readStored } from '../../contract/json.ts';
import type { Erasure as ErasureState, ErasureStep } from '../../contract/personal-data.ts';
import type { Inbox } from '../../pipeline/inbox/inbox.ts';
import { within } from '../../resilience/timeout.ts';
import { type Directing, isAbout } from '../access/admin-command.ts';
import type { AdminCommandLog, Kept } from '../access/admin-command-log.ts';
import type { UserDeadLetters } from '../dead-letters/dead-letters-of-user.ts';
import type { PresenceStore } from '../presence/presence-store.ts';
import type { EventIdentity, PersonalRecords } from './personal-records.ts';

export interface ErasureOptions {
  readonly records: PersonalRecords;
  readonly inbox: Pick<Inbox, 'heads' | 'readEnvelopes'>;
  readonly presence: Pick<PresenceStore, 'erase'>;
  readonly outcomes: { forget(event: EventIdentity, audience: Audience): Promise<void> };
  readonly adminCommands: Directing;
  readonly commandLog: Pick<AdminCommandLog, 'page' | 'remove'>;
  readonly deadLetters: Pick<UserDeadLetters, 'erase'>;
  /** After so long every process that reaches the store has read the command, and has written what it was about to write. */
  readonly settleMs: number;
  /** The clock that all processes share. */
  readonly now: () => number;
}

/** In this order. What can be written again by who has not heard yet is removed twice. */
const ORDER: readonly ErasureStep[] = [
  'revoking',
  'outcomes',
  'searching',
  'removing',
  'settling',
  'outcomes',
  'searching',
  'removing',
  'commands',
  'dead_letters',
];

const progressSchema = z.object({
  atMs: z.int(),
  /** Index in {@link ORDER}. */
  step: z.int().nonnegative(),
  /** Where the step goes on. */
  from: z.string().optional(),
  deadLetters: z.object({ scanned: z.int(), discarded: z.int(), rewritten: z.int() }).optional(),
});

type Progress = Readonly<z.infer<typeof progressSchema>>;

/** What a piece of work has come to. */
type Next =
  | { readonly kind: 'done'; readonly deadLetters?: Progress['deadLetters'] }
  | { readonly kind: 'more'; readonly from: string }
  | { readonly kind: 'later'; readonly afterMs: number };

const DONE: Next = { kind: 'done' };

/** Entries of a log whose outcomes are looked up at once. */
const ENTRIES = 100;

const LATER_MS = 1_000;

export class Erasure {
  readonly #options: ErasureOptions;

  constructor(options: ErasureOptions) {
    this.#options = options;
  }

  /** Begins, or goes on, for about `budgetMs`; at least one piece is done. Rejects while something is away. */
  async advance(user: string, budgetMs: number): Promise<ErasureState> {
    const { records, now } = this.#options;
    const deadlineMs = performance.now() + budgetMs;
    let text = await records.progress(user);
    const known = text === undefined ? undefined : readStored(progressSchema, text);
    // Of another version, or none: begun anew.
    let progress: Progress = known ?? { atMs: Math.ceil(now()), step: 0 };
    for (let pieces = 0; ; pieces += 1) {
      const step = ORDER[progress.step];
      const answer = { user, before: new Date(progress.atMs).toISOString(), ...countsOf(progress) };
      if (step === undefined) {
        await records.replaceProgress(user, text, undefined);
        return { ...answer, isComplete: true };
      }
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0 && pieces > 0) return { ...answer, isComplete: false, step };
      const next = await this.#piece(step, user, progress, leftMs);
      if (next.kind === 'later')
        return { ...answer, isComplete: false, step, retryAfterMs: Math.ceil(next.afterMs) };
      progress = advanced(progress, next);
      const after = JSON.stringify(progress);
      // Somebody else goes on with it at the same time.
      if (!(await records.replaceProgress(user, text, after)))
        return { ...answer, isComplete: false, step, retryAfterMs: LATER_MS };
      text = after;
    }
  }

  async #piece(step: ErasureStep, user: string, { atMs, from }: Progress, leftMs: number): Promise<Next> {
    const { records, presence, adminCommands, deadLetters, settleMs, now } = this.#options;
    switch (step) {
      case 'revoking':
        await adminCommands.issue({ kind: 'disconnect', user, notBeforeMs: atMs, erases: true });
        return DONE;
      case 'outcomes':
        return await this.#outcomesOfLog(user, from);
      case 'searching': {
        const { names, repeats, next } = await records.search(user, from);
        await this.#forget(user, repeats);
        await records.remove(user, names);
        return next === undefined ? DONE : { kind: 'more', from: next };
      }
      case 'removing':
        await Promise.all([records.removeNamed(user), presence.erase(user, atMs)]);
        return DONE;
      case 'settling': {
        const waitMs = atMs + settleMs - now();
        return waitMs > 0 ? { kind: 'later', afterMs: waitMs } : DONE;
      }
      case 'commands':
        return await this.#removeCommands(user, atMs, from);
      case 'dead_letters': {
        const erased = deadLetters.erase(user, `${user} ${atMs}`);
        const counts = await within(Math.max(0, leftMs), erased, () => undefined);
        return counts === undefined ? { kind: 'later', afterMs: 0 } : { kind: 'done', deadLetters: counts };
      }
    }
  }

  /** Newest first; `from`: the offset to go on with. */
  async #outcomesOfLog(user: string, from: string | undefined): Promise<Next> {
    const { inbox } = this.#options;
    const audience: Audience = `user:${user}`;
    const [head] = await inbox.heads([audience]);
    const last = from === undefined ? (head?.offset ?? 0) : Number(from);
    if (last < 1) return DONE;
    const entries = await inbox.readEnvelopes(audience, 1, last, ENTRIES);
    await this.#forget(user, entries);
    const oldest = entries.at(-1);
    if (oldest === undefined || entries.length < ENTRIES) return DONE;
    return { kind: 'more', from: String(oldest.offset - 1) };
  }

  async #forget(user: string, events: readonly EventIdentity[]): Promise<void> {
    const { outcomes } = this.#options;
    for (let i = 0; i < events.length; i += ENTRIES)
      await Promise.all(events.slice(i, i + ENTRIES).map((event) => outcomes.forget(event, `user:${user}`)));
  }

  async #removeCommands(user: string, atMs: number, from: string | undefined): Promise<Next> {
    const { commandLog } = this.#options;
    const page = await commandLog.page(from);
    await commandLog.remove(page.filter((kept) => isSuperseded(kept, user, atMs)).map(({ place }) => place));
    const last = page.at(-1);
    return last === undefined ? DONE : { kind: 'more', from: last.place };
  }
}

/** The erasure's own command does all that this one did. */
function isSuperseded({ command }: Kept, user: string, atMs: number): boolean {
  if (command === undefined || !isAbout(command, user)) return false;
  if (command.kind === 'departments') return true;
  const { notBeforeMs = 0, erases } = command;
  return notBeforeMs < atMs || (notBeforeMs === atMs && !erases);
}

function advanced({ atMs, step, deadLetters }: Progress, next: Exclude<Next, { kind: 'later' }>): Progress {
  if (next.kind === 'more') return { atMs, step, from: next.from };
  const counts = next.deadLetters ?? deadLetters;
  return { atMs, step: step + 1, ...(counts === undefined ? {} : { deadLetters: counts }) };
}

function countsOf({ deadLetters }: Progress): Pick<ErasureState, 'deadLetters'> {
  return deadLetters === undefined ? {} : { deadLetters };
}
