/** What an operator does with dead letters: tries, sends again, throws away; and what became of it. */
import { signal } from '@preact/signals';
import { type Answer, type Api, mapped } from '../api.ts';
import { type JsonObject, numberAt } from '../json-object.ts';
import type { Problem } from '../problem.ts';
import { type DeadLetter, type DeadLetterPage, type Redriven, readRedriven } from './dead-letter.ts';
import { type Filter, given } from './filter.ts';

/** What an action is about. */
export interface Target {
  /** In the order of the list; undefined: all that match the filter. */
  readonly letters: readonly DeadLetter[] | undefined;
  readonly filter: Filter;
  readonly count: number;
}

export type Outcome =
  | { readonly kind: 'redrive'; readonly target: Target; readonly result: Redriven }
  | { readonly kind: 'discard'; readonly letters: readonly DeadLetter[]; readonly discarded: number };

type Work =
  | { readonly status: 'none' }
  | { readonly status: 'working'; readonly words: string }
  | { readonly status: 'failed'; readonly what: string; readonly problem: Problem }
  | { readonly status: 'done'; readonly outcome: Outcome };

/** The very ones that are thrown away when the answer is yes. */
interface DiscardQuestion {
  readonly letters: readonly DeadLetter[];
  /** That match as well and stay; undefined: not known how many. */
  readonly staying: number | undefined;
}

export interface DeadLetterList {
  /** The oldest that match, as many as one answer holds. */
  readonly firstOf: (filter: Filter) => Promise<Answer<DeadLetterPage>>;
  /** What is there may be other than what was read. */
  readonly changed: () => Promise<void>;
}

export const DEAD_LETTERS_PATH = '/admin/dead-letters';

/** One request may wait 20 s for somebody else to give the dead letters back, and then take 10 s itself. */
export const DEAD_LETTERS_MS = 40_000;

export class DeadLetterActions {
  readonly #api: Api;
  readonly #list: DeadLetterList;
  readonly work = signal<Work>({ status: 'none' });
  readonly question = signal<DiscardQuestion | undefined>(undefined);

  constructor(api: Api, list: DeadLetterList) {
    this.#api = api;
    this.#list = list;
  }

  async dryRun(target: Target): Promise<void> {
    this.#begin('Trying …');
    const answer = await this.#redrive(target, true);
    if (answer.ok) this.#end({ kind: 'redrive', target, result: answer.value });
    else this.#fail('Nothing was tried.', answer.problem);
  }

  /** As many requests as it takes. What was sent again before one fails stays so. */
  async redrive(target: Target): Promise<void> {
    let total = 0;
    let result: Redriven;
    do {
      this.#begin(total === 0 ? 'Sending again …' : `Sending again …, ${total} sent`);
      const answer = await this.#redrive(target, false);
      if (!answer.ok) {
        const { problem } = answer;
        const before = total === 0 ? '' : `${total} were sent again before. `;
        const what = isUndone(problem) ? 'Nothing more was sent again.' : 'What was sent again is not known.';
        this.#fail(`${before}${what}`, problem);
        break;
      }
      result = answer.value;
      total += result.sent;
      this.#end({ kind: 'redrive', target, result: { ...result, sent: total } });
      // Ids that were sent again are gone, and a second request with them would fail.
    } while (target.letters === undefined && result.sent > 0 && (result.left > 0 || result.isPartial));
    await this.#list.changed();
  }

  /** Only what was read can be thrown away: of all that match, as many as one answer holds. */
  async askToDiscard(target: Target): Promise<void> {
    if (target.letters !== undefined) {
      this.question.value = { letters: target.letters, staying: 0 };
      return;
    }
    this.#begin('Looking …');
    const answer = await this.#list.firstOf(target.filter);
    if (!answer.ok) {
      this.#fail('Nothing was discarded.', answer.problem);
      return;
    }
    const { deadLetters, matched, isPartial } = answer.value;
    const staying = matched === undefined || isPartial ? undefined : matched - deadLetters.length;
    this.work.value = { status: 'none' };
    this.question.value = { letters: deadLetters, staying };
  }

  keep(): void {
    this.question.value = undefined;
  }

  async discard({ letters }: DiscardQuestion): Promise<void> {
    this.question.value = undefined;
    this.#begin('Discarding …');
    const ids = letters.map(({ id }) => id);
    const answer = await this.#post('discard', { ids });
    if (answer.ok) {
      const discarded = numberAt(answer.value, 'discarded') ?? 0;
      this.#end({ kind: 'discard', letters, discarded });
    } else {
      const { problem } = answer;
      this.#fail(isUndone(problem) ? 'Nothing was discarded.' : 'What was discarded is not known.', problem);
    }
    await this.#list.changed();
  }

  dismiss(): void {
    this.work.value = { status: 'none' };
  }

  async #redrive({ letters, filter }: Target, dryRun: boolean): Promise<Answer<Redriven>> {
    const which = letters === undefined ? given(filter) : { ids: letters.map(({ id }) => id) };
    return mapped(await this.#post('redrive', { ...which, dryRun }), readRedriven);
  }

  async #post(what: 'redrive' | 'discard', order: JsonObject): Promise<Answer<JsonObject>> {
    return await this.#api.ask(`${DEAD_LETTERS_PATH}/${what}`, {
      body: JSON.stringify(order),
      timeoutMs: DEAD_LETTERS_MS,
    });
  }

  #begin(words: string): void {
    this.work.value = { status: 'working', words };
  }

  #end(outcome: Outcome): void {
    this.work.value = { status: 'done', outcome };
  }

  #fail(what: string, problem: Problem): void {
    this.work.value = { status: 'failed', what, problem };
  }
}

/** Whether it was refused before anything was done. Otherwise it may have been done in part, or whole. */
function isUndone({ status, code }: Problem): boolean {
  return (status >= 400 && status < 500) || code === 'dead_letters_busy';
}
