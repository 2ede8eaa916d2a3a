/** What is being written: one event, as a form and as text, what is wrong with it, and what became of sending it. */
import { batch, computed, signal } from '@preact/signals';
import type { Api, Check } from '../api.ts';
import { type JsonObject, parseObject } from '../json-object.ts';
import type { Problem } from '../problem.ts';
import { readAudiences, readText, type TextField, textOf, withAudiences, withText } from './event-fields.ts';
import { type JsonFault, scanJson } from './json-text.ts';
import { FIRST_TEMPLATE, type Template } from './templates.ts';

export type AudienceKind = 'user' | 'department' | 'topic';

type Outcome =
  | { readonly status: 'none' }
  | { readonly status: 'sending'; readonly done: number; readonly of: number }
  | { readonly status: 'accepted'; readonly source: string; readonly id: string; readonly times: number }
  | { readonly status: 'refused'; readonly problem: Problem; readonly done: number; readonly of: number };

/** What the service said about the event as it stands. */
type Preview =
  | { readonly status: 'asking' }
  | { readonly status: 'known'; readonly check: Check }
  | { readonly status: 'unknown' };

const PAUSE_IN_TYPING_MS = 300;

export class Composer {
  readonly #api: Api;
  readonly #event = signal<JsonObject>(fresh(FIRST_TEMPLATE.event));
  readonly text = signal(textOf(this.#event.value));
  readonly fault = signal<JsonFault | undefined>(undefined);
  /** With the event, as checking or sending it found. */
  readonly problem = signal<Problem | undefined>(undefined);
  readonly preview = signal<Preview>({ status: 'unknown' });
  readonly outcome = signal<Outcome>({ status: 'none' });
  /** Whether each event that is sent gets an id of its own. */
  readonly renewsId = signal(true);
  readonly times = signal(1);
  /** What is typed beside the audiences that are chosen. */
  readonly kind = signal<AudienceKind>('user');
  readonly typed = signal('');
  readonly audiences = computed(() => readAudiences(this.#event.value));
  #check = new AbortController();
  /** Whom the preview is about. */
  #checked = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api) {
    this.#api = api;
  }

  read(field: TextField): string {
    return readText(this.#event.value, field);
  }

  write(field: TextField, text: string): void {
    if (field === 'id') this.renewsId.value = false;
    this.#change(withText(this.#event.value, field, text));
  }

  startFrom({ event }: Template): void {
    this.renewsId.value = true;
    this.#change(fresh(event));
  }

  add(audience: string): void {
    if (this.audiences.value.includes(audience)) return;
    this.#change(withAudiences(this.#event.value, [...this.audiences.value, audience]));
  }

  remove(index: number): void {
    this.#change(
      withAudiences(
        this.#event.value,
        this.audiences.value.filter((_, i) => i !== index),
      ),
    );
  }

  /** What is typed becomes one of the audiences. */
  addTyped(): void {
    const id = this.typed.value.trim();
    if (id === '') return;
    this.typed.value = '';
    this.add(`${this.kind.value}:${id}`);
  }

  /** The text of the editor: the event follows as soon as it is one. */
  edit(text: string): void {
    batch(() => {
      this.text.value = text;
      const scan = scanJson(text);
      const event = scan.ok ? parseObject(text) : undefined;
      this.fault.value = scan.ok
        ? event === undefined
          ? { line: 1, column: 1, at: 0, message: 'an event is a JSON object, in braces' }
          : undefined
        : scan.fault;
      if (event === undefined) return;
      if (event.id !== this.#event.value.id) this.renewsId.value = false;
      this.#event.value = event;
    });
    this.#checkSoon();
  }

  /** Back to the last text that was an event. */
  discardEdits(): void {
    this.#change(this.#event.value);
  }

  /** Whether it was accepted. What was typed stays in any case. */
  async send(): Promise<boolean> {
    this.addTyped();
    if (this.fault.value !== undefined || this.outcome.value.status === 'sending') return false;
    const of = this.times.value;
    for (let done = 0; done < of; done += 1) {
      if (done > 0) this.#renewId();
      this.outcome.value = { status: 'sending', done, of };
      const answer = await this.#api.send(this.text.value);
      if (answer.ok) continue;
      batch(() => {
        this.problem.value = answer.problem;
        this.outcome.value = { status: 'refused', problem: answer.problem, done, of };
      });
      return false;
    }
    batch(() => {
      const [source, id] = [this.read('source'), this.read('id')];
      this.outcome.value = { status: 'accepted', source, id, times: of };
      if (this.renewsId.value) this.#renewId();
    });
    return true;
  }

  checkNow(): void {
    clearTimeout(this.#timer);
    this.#check.abort();
    if (this.fault.value !== undefined) {
      this.preview.value = { status: 'unknown' };
      return;
    }
    this.#check = new AbortController();
    this.preview.value = { status: 'asking' };
    void this.#ask(this.#check.signal);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const answer = await this.#api.check(this.text.value, signal);
    if (signal.aborted) return;
    batch(() => {
      this.preview.value = answer.ok ? { status: 'known', check: answer.value } : { status: 'unknown' };
      const isOfEvent = !answer.ok && answer.problem.status >= 400 && answer.problem.status < 500;
      this.problem.value = isOfEvent && !answer.ok ? answer.problem : undefined;
    });
  }

  #change(event: JsonObject): void {
    batch(() => {
      this.#event.value = event;
      this.text.value = textOf(event);
      this.fault.value = undefined;
    });
    this.#checkSoon();
  }

  #checkSoon(): void {
    clearTimeout(this.#timer);
    this.#check.abort();
    // An answer about others would mislead; one about another title need not flicker.
    const { audience, type } = this.#event.value;
    const about = JSON.stringify({ audience, type });
    if (about !== this.#checked) this.preview.value = { status: 'asking' };
    this.#checked = about;
    this.#timer = setTimeout(() => this.checkNow(), PAUSE_IN_TYPING_MS);
  }

  /** Nothing else changes, so that there is nothing to check again. */
  #renewId(): void {
    if (!this.renewsId.value) return;
    this.#event.value = fresh(this.#event.value);
    this.text.value = textOf(this.#event.value);
  }
}

function fresh({ specversion, id: _, ...event }: JsonObject): JsonObject {
  return { specversion, id: newId(), ...event };
}

/** crypto.randomUUID is missing on pages without TLS that are not on this machine. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
