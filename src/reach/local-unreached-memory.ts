/** What users fetched over HTTP and which signals were published, in this process's memory: embedded mode. */
import type { Audience } from '../contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../contract/notification.ts';
import type { UnreachedMemory, UnreachedMemoryLimits } from './unreached-memory.ts';

export class LocalUnreachedMemory implements UnreachedMemory {
  readonly #fetched: Kept<Cursor>;
  readonly #signalled: Kept<Signalled>;

  constructor({ fetchedKeptMs, signalledKeptMs }: UnreachedMemoryLimits, now: () => number) {
    this.#fetched = new Kept(fetchedKeptMs, now);
    this.#signalled = new Kept(signalledKeptMs, now);
  }

  fetched(audience: Audience, head: Cursor): void {
    this.#fetched.set(audience, head);
  }

  async fetchedUpTo(audience: Audience): Promise<Cursor> {
    return this.#fetched.get(audience) ?? EMPTY_HEAD;
  }

  async isSignalled(audience: Audience, place: Cursor): Promise<boolean> {
    return this.#signalled.get(nameOf(audience, place)) !== undefined;
  }

  async signalled(audience: Audience, place: Cursor): Promise<void> {
    const name = nameOf(audience, place);
    if (this.#signalled.get(name) === undefined) this.#signalled.set(name, { audience, place });
  }

  /** The notifications of which it was signalled that they reached nobody. */
  signalledOf(audience: Audience): readonly Cursor[] {
    return this.#signalled.values().flatMap((one) => (one.audience === audience ? [one.place] : []));
  }

  erase(audience: Audience): void {
    this.#fetched.delete(audience);
    for (const place of this.signalledOf(audience)) this.#signalled.delete(nameOf(audience, place));
  }
}

interface Signalled {
  readonly audience: Audience;
  readonly place: Cursor;
}

/** Values by name, each of which expires some time after it was set. */
class Kept<T> {
  readonly #keptMs: number;
  readonly #now: () => number;
  /** In the order in which they expire. */
  readonly #values = new Map<string, { readonly value: T; readonly untilMs: number }>();

  constructor(keptMs: number, now: () => number) {
    this.#keptMs = keptMs;
    this.#now = now;
  }

  get(name: string): T | undefined {
    const kept = this.#values.get(name);
    return kept === undefined || kept.untilMs <= this.#now() ? undefined : kept.value;
  }

  values(): readonly T[] {
    return [...this.#values.values()].map(({ value }) => value);
  }

  delete(name: string): void {
    this.#values.delete(name);
  }

  set(name: string, value: T): void {
    const nowMs = this.#now();
    this.#values.delete(name);
    this.#values.set(name, { value, untilMs: nowMs + this.#keptMs });
    for (const [oldest, { untilMs }] of this.#values) {
      if (untilMs > nowMs) break;
      this.#values.delete(oldest);
    }
  }
}

function nameOf(audience: Audience, { epoch, offset }: Cursor): string {
  return `${audience} ${epoch} ${offset}`;
}
