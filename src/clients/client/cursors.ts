/** One user's cursors in a storage that other tabs write to as well. */
import type { Cursor } from '../../contract/notification.ts';
import type { ClientStorage } from './storage.ts';

export type CursorMap = ReadonlyMap<string, Cursor>;

/** Each write writes them all; the oldest topics go first. */
const MAX_CURSORS = 1_024;

/** Of a storage's text whatever are cursors: it may be of another version, or of anybody. */
export function parseCursors(text: string | null | undefined): Map<string, Cursor> {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? '{}');
  } catch {
    return new Map();
  }
  const entries = typeof stored === 'object' && stored !== null ? Object.entries(stored) : [];
  return new Map(
    entries.flatMap(([audience, cursor]) =>
      typeof cursor?.epoch === 'string' && Number.isSafeInteger(cursor.offset) && cursor.offset >= 0
        ? [[audience, { epoch: cursor.epoch, offset: cursor.offset }]]
        : [],
    ),
  );
}

/** A tab that lags behind MUST NOT take another one's cursor back: what lies between would be told again. */
export function mergeCursors(stored: CursorMap, own: CursorMap): Map<string, Cursor> {
  const merged = new Map(stored);
  for (const [audience, cursor] of own) {
    const known = stored.get(audience);
    const isBehind = known?.epoch === cursor.epoch && known.offset > cursor.offset;
    merged.delete(audience);
    merged.set(audience, isBehind ? known : cursor);
  }
  return new Map([...merged].slice(-MAX_CURSORS));
}

export class StoredCursors {
  readonly #storage: ClientStorage;
  readonly #key: string;
  readonly #forgotten = new Set<string>();
  #next: CursorMap | undefined;
  #isWriting = false;

  constructor(storage: ClientStorage, key: string) {
    this.#storage = storage;
    this.#key = key;
  }

  async load(): Promise<Map<string, Cursor>> {
    try {
      return parseCursors(await this.#storage.get(this.#key));
    } catch {
      return new Map();
    }
  }

  /** Writes soon, and one at a time however often it is called. `cursors` is read when it writes. */
  save(cursors: CursorMap): void {
    this.#next = cursors;
    if (this.#isWriting) return;
    this.#isWriting = true;
    void this.#write();
  }

  forget(audience: string, cursors: CursorMap): void {
    this.#forgotten.add(audience);
    this.save(cursors);
  }

  async #write(): Promise<void> {
    // What is told in this turn is written once.
    await undefined;
    while (this.#next !== undefined) {
      const next = this.#next;
      this.#next = undefined;
      try {
        const stored = parseCursors(await this.#storage.get(this.#key));
        for (const audience of this.#forgotten) stored.delete(audience);
        this.#forgotten.clear();
        await this.#storage.set(this.#key, JSON.stringify(Object.fromEntries(mergeCursors(stored, next))));
      } catch {
        // A storage that is full or forbidden: this page knows its cursors, the next one begins at the heads.
      }
    }
    this.#isWriting = false;
  }
}
