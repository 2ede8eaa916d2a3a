/**
 * A file of the operators' that is read again while the process runs. It is looked at every few seconds, and its content is
 * compared: Kubernetes swaps a link somewhere above a mounted file, editors put a new file in the old one's place, and
 * network file systems tell nobody. A watch on the file would miss each of these somewhere.
 *
 * New content is taken as a whole or not at all. While it cannot be, what was read before stays in use.
 */
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { reasonOf } from '../resilience/reason.ts';
import { FileError } from './yaml-file.ts';

/** What the file says is well-formed, and cannot be used as things are. It is tried again. */
export class NotUsable extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.faults = faults;
  }
}

/**
 * What a look found that an operator should know; each fault is reported once.
 *
 * `taken`: new content is in use. `restored`: the file was faulty, and says again what is in use. `unchanged`: the look
 * was asked for, and there is nothing new. The others keep what is in use: the file cannot be read, is malformed, or
 * cannot be used now.
 */
export type Reload =
  | { readonly result: 'taken' | 'restored' | 'unchanged' }
  | { readonly result: 'unreadable' | 'invalid' | 'refused'; readonly faults: readonly string[] };

export interface ReloadedFileOptions<Value> {
  readonly path: string;
  /** @throws {FileError} when the text is malformed */
  readonly parse: (text: string, path: string) => Value;
}

type Found = { readonly text: string } | { readonly unreadable: string };

export class ReloadedFile<Value> {
  readonly #options: ReloadedFileOptions<Value>;
  #inUse: string;
  #value: Value;
  /** What the last look found, unless it is what is in use. */
  #found: string | undefined;
  /** The newest text that was malformed: there is nothing to be seen in it again. */
  #malformed: string | undefined;
  /** Why the newest content is not in use. */
  #faults: readonly string[] = [];

  /**
   * Reads it.
   * @throws what `parse` throws, and the system's error when it cannot be read
   */
  constructor(options: ReloadedFileOptions<Value>) {
    this.#options = options;
    this.#inUse = readFileSync(options.path, 'utf8');
    this.#value = options.parse(this.#inUse, options.path);
  }

  get path(): string {
    return this.#options.path;
  }

  /** What is in use. */
  get value(): Value {
    return this.#value;
  }

  /** The text that it was read from. */
  get text(): string {
    return this.#inUse;
  }

  /** Why the file's present content is not in use; empty when it is. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  /**
   * Reads the file, and has `take` use what is new. Undefined when there is nothing to tell. Calls MUST NOT overlap.
   *
   * A file may be found half written, and half a list of routes is well-formed too. So content counts once two looks in
   * a row have found the same, or at once when `isRequested`: whoever asks for the look has written all of it.
   *
   * @param take MUST change nothing when it rejects, with {@link NotUsable} if that is to be tried again
   * @throws what else `take` rejects with: a fault of ours
   */
  async look(take: (value: Value) => Promise<void>, isRequested: boolean): Promise<Reload | undefined> {
    const found = await this.#read();
    if ('text' in found && found.text === this.#inUse) return this.#asBefore(isRequested);
    const seen = 'text' in found ? `text ${found.text}` : `unreadable ${found.unreadable}`;
    const isSame = seen === this.#found;
    this.#found = seen;
    if (!isRequested && (!isSame || ('text' in found && found.text === this.#malformed))) return undefined;
    if ('unreadable' in found) return this.#fails('unreadable', [found.unreadable], isRequested);
    return await this.#use(found.text, take, isRequested);
  }

  async #read(): Promise<Found> {
    try {
      // A pipe (`ROUTES_FILE=<(…)`) has its content once, and nobody may ever write to it again.
      if (!(await stat(this.#options.path)).isFile()) return { text: this.#inUse };
      return { text: await readFile(this.#options.path, 'utf8') };
    } catch (error) {
      return { unreadable: reasonOf(error) };
    }
  }

  #asBefore(isRequested: boolean): Reload | undefined {
    this.#found = undefined;
    this.#malformed = undefined;
    const wasFaulty = this.#faults.length > 0;
    this.#faults = [];
    if (wasFaulty) return { result: 'restored' };
    return isRequested ? { result: 'unchanged' } : undefined;
  }

  async #use(
    text: string,
    take: (value: Value) => Promise<void>,
    isRequested: boolean,
  ): Promise<Reload | undefined> {
    try {
      const value = this.#options.parse(text, this.#options.path);
      await take(value);
      this.#value = value;
    } catch (error) {
      if (error instanceof FileError) {
        const reload = this.#fails('invalid', error.faults, isRequested);
        this.#malformed = text;
        return reload;
      }
      if (error instanceof NotUsable) return this.#fails('refused', error.faults, isRequested);
      throw error;
    }
    this.#inUse = text;
    this.#found = undefined;
    this.#malformed = undefined;
    this.#faults = [];
    return { result: 'taken' };
  }

  #fails(
    result: 'unreadable' | 'invalid' | 'refused',
    faults: readonly string[],
    isRequested: boolean,
  ): Reload | undefined {
    this.#malformed = undefined;
    const isKnown = faults.join('\n') === this.#faults.join('\n');
    this.#faults = faults;
    return isKnown && !isRequested ? undefined : { result, faults };
  }
}
