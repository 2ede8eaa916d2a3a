/** One question: why a user has an event's notification, or has not. */
import { signal } from '@preact/signals';
import { type Api, mapped } from '../api.ts';
import { Reading } from '../operate/reading.ts';
import type { Params } from '../place.ts';
import { type Explanation, readExplanation } from './explanation.ts';

export interface Question {
  readonly event: string;
  readonly user: string;
  /** Empty: whichever has the id. */
  readonly source: string;
}

export function questionOf({ event = '', user = '', source = '' }: Params): Question {
  return { event, user, source };
}

export const EXPLAIN_PATH = '/admin/explain';

/** An event that became no outcome is looked for among the dead letters, which one operator at a time has in hand. */
const EXPLAIN_MS = 40_000;

export class Explain {
  readonly #api: Api;
  readonly question = signal(questionOf({}));
  readonly answer = new Reading<Explanation>();

  constructor(api: Api) {
    this.#api = api;
  }

  /** As the address says. It is asked as soon as both are known. */
  show(params: Params): void {
    const { event, user, source } = questionOf(params);
    const before = this.question.value;
    if (event !== before.event || user !== before.user || source !== before.source) {
      this.question.value = { event, user, source };
      this.answer.forget();
    }
    if (event !== '' && user !== '' && this.answer.isUnanswered) void this.ask();
  }

  async ask(): Promise<void> {
    const { event, user, source } = this.question.value;
    const query = new URLSearchParams({ event, user, ...(source === '' ? {} : { source }) });
    await this.answer.read(async (signal) =>
      mapped(
        await this.#api.ask(`${EXPLAIN_PATH}?${query}`, { signal, timeoutMs: EXPLAIN_MS }),
        readExplanation,
      ),
    );
  }
}
