/** The dead letters of the queue as they were read, which one is looked at, and which are selected. */
import { batch, computed, signal } from '@preact/signals';
import { type Answer, type Api, mapped } from '../api.ts';
import { Reading } from '../operate/reading.ts';
import { hashOf, type Params } from '../place.ts';
import { DEAD_LETTERS_MS, DEAD_LETTERS_PATH, DeadLetterActions, type Target } from './actions.ts';
import { type DeadLetter, type DeadLetterPage, readDeadLetter, readPage } from './dead-letter.ts';
import { type Filter, filterOf, given, isSame } from './filter.ts';

/** How many are asked for: the whole list each time, because others may change it in between. */
const LIMITS = [50, 100, 200, 500] as const;
const MAX_LISTED = LIMITS[3];

export class DeadLetters {
  readonly #api: Api;
  readonly actions: DeadLetterActions;
  readonly filter = signal<Filter>(filterOf({}));
  readonly page = new Reading<DeadLetterPage>();
  readonly shown = new Reading<DeadLetter>();
  /** Empty: none is looked at. */
  readonly shownId = signal('');
  readonly selected = signal<ReadonlySet<string>>(new Set());
  readonly isAllMatching = signal(false);
  readonly listed = computed(() => this.page.last.value?.value.deadLetters ?? []);
  /** Undefined: nothing is selected. */
  readonly target = computed(() => this.#target());
  #limit: number = LIMITS[0];

  constructor(api: Api) {
    this.#api = api;
    this.actions = new DeadLetterActions(api, {
      firstOf: (filter) => this.#list(filter, MAX_LISTED),
      changed: () => this.#changed(),
    });
  }

  /** As the address says. */
  show(params: Params): void {
    const filter = filterOf(params);
    if (!isSame(filter, this.filter.value)) {
      batch(() => {
        this.filter.value = filter;
        this.#limit = LIMITS[0];
        this.page.forget();
        this.selectNone();
      });
    }
    if (this.page.isUnanswered) void this.read();
    const { id = '' } = params;
    if (id !== this.shownId.value) {
      this.shownId.value = id;
      this.shown.forget();
    }
    if (id !== '' && this.shown.isUnanswered) void this.readShown();
  }

  /** The address of one of them, in the list as it is filtered; without an id, of the list. */
  addressOf(id = ''): string {
    return hashOf('dead-letters', { ...given(this.filter.value), id });
  }

  /** Of the list from the last one that is listed on. Those of the same moment are listed again. */
  addressAfterListed(): string {
    const after = this.listed.value.findLast(({ time }) => time !== undefined)?.time ?? '';
    return hashOf('dead-letters', { ...given(this.filter.value), after });
  }

  async read(): Promise<void> {
    await this.page.read((signal) => this.#list(this.filter.value, this.#limit, signal));
    const there = new Set(this.listed.value.map(({ id }) => id));
    this.selected.value = new Set([...this.selected.value].filter((id) => there.has(id)));
  }

  async readShown(): Promise<void> {
    const path = `${DEAD_LETTERS_PATH}/${encodeURIComponent(this.shownId.value)}`;
    await this.shown.read(async (signal) =>
      mapped(await this.#api.ask(path, { signal, timeoutMs: DEAD_LETTERS_MS }), readDeadLetter),
    );
  }

  /** Whether a longer list can be asked for. */
  get canReadMore(): boolean {
    return this.#limit < MAX_LISTED;
  }

  readMore(): void {
    this.#limit = LIMITS.find((limit) => limit > this.#limit) ?? this.#limit;
    void this.read();
  }

  toggle(id: string): void {
    const next = new Set(this.selected.value);
    if (!next.delete(id)) next.add(id);
    batch(() => {
      this.selected.value = next;
      this.isAllMatching.value = false;
    });
  }

  selectListed(): void {
    this.selected.value = new Set(this.listed.value.map(({ id }) => id));
  }

  selectMatching(): void {
    batch(() => {
      this.selectListed();
      this.isAllMatching.value = true;
    });
  }

  selectNone(): void {
    batch(() => {
      this.selected.value = new Set();
      this.isAllMatching.value = false;
    });
  }

  #target(): Target | undefined {
    const filter = this.filter.value;
    const matched = this.page.last.value?.value.matched;
    if (this.isAllMatching.value && matched !== undefined)
      return { letters: undefined, filter, count: matched };
    const letters = this.listed.value.filter(({ id }) => this.selected.value.has(id));
    return letters.length === 0 ? undefined : { letters, filter, count: letters.length };
  }

  async #list(filter: Filter, limit: number, signal?: AbortSignal): Promise<Answer<DeadLetterPage>> {
    const query = new URLSearchParams({ ...given(filter), limit: String(limit) });
    const asked = { timeoutMs: DEAD_LETTERS_MS, ...(signal === undefined ? {} : { signal }) };
    return mapped(await this.#api.ask(`${DEAD_LETTERS_PATH}?${query}`, asked), readPage);
  }

  async #changed(): Promise<void> {
    this.isAllMatching.value = false;
    await this.read();
    if (this.shownId.value !== '') await this.readShown();
  }
}
