/**
 * Where in a JSON text what stands, and where it breaks off being JSON. The engines' own messages differ, and some of
 * them name no place.
 */

export interface JsonFault {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** From 0, in the text. */
  readonly at: number;
  readonly message: string;
}

type JsonScan =
  /** `places`: for each path as in `audience[1]` and `data.title` where its value begins. */
  | { readonly ok: true; readonly places: ReadonlyMap<string, number> }
  | { readonly ok: false; readonly fault: JsonFault };

export function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

export function scanJson(text: string): JsonScan {
  const scanner = new Scanner(text);
  try {
    scanner.document();
    return { ok: true, places: scanner.places };
  } catch (error) {
    if (!(error instanceof Break)) throw error;
    const { at, message } = error;
    const column = at - (text.lastIndexOf('\n', at - 1) + 1) + 1;
    return { ok: false, fault: { line: lineOf(text, at), column, at, message } };
  }
}

class Break extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

const STRING = /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y;
const WORD = /[^\s,:[\]{}"]+/y;

class Scanner {
  readonly places = new Map<string, number>();
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#space();
    if (this.#isAtEnd) this.#break('there is nothing here');
    this.#value('');
    this.#space();
    if (!this.#isAtEnd) this.#break('nothing may follow the end of the JSON');
  }

  get #isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  #value(path: string): void {
    this.places.set(path, this.#at);
    const next = this.#text[this.#at];
    if (next === '{') this.#object(path);
    else if (next === '[') this.#array(path);
    else if (next === '"') this.#string('a text');
    else if (this.#take(SCALAR) === undefined) this.#noValue();
  }

  #object(path: string): void {
    this.#members('}', () => {
      if (this.#text[this.#at] !== '"') this.#break('a name in double quotes is expected');
      const name: unknown = JSON.parse(this.#string('a name'));
      this.#space();
      if (this.#text[this.#at] !== ':') this.#break(`a colon is missing after ${JSON.stringify(name)}`);
      this.#at += 1;
      this.#space();
      this.#value(path === '' ? String(name) : `${path}.${name}`);
    });
  }

  #array(path: string): void {
    let index = 0;
    this.#members(']', () => {
      this.#value(`${path}[${index}]`);
      index += 1;
    });
  }

  #members(end: '}' | ']', member: () => void): void {
    const opened = this.#at;
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] === end) {
      this.#at += 1;
      return;
    }
    for (;;) {
      member();
      this.#space();
      if (this.#isAtEnd) this.#unclosed(opened, end);
      const next = this.#text[this.#at];
      if (next !== ',' && next !== end) this.#break(`a comma or ${end} is missing before this`);
      const comma = this.#at;
      this.#at += 1;
      if (next === end) return;
      this.#space();
      if (this.#text[this.#at] === end) throw new Break(comma, `no comma may stand before ${end}`);
      if (this.#isAtEnd) this.#unclosed(opened, end);
    }
  }

  #string(what: string): string {
    const from = this.#at;
    const found = this.#take(STRING);
    if (found !== undefined) return found;
    const line = this.#text.slice(from).split('\n', 1)[0] ?? '';
    const stray = /\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(line.replaceAll('\\\\', '  '));
    if (stray !== null) throw new Break(from + stray.index, 'this is no escape that JSON knows');
    throw new Break(from, `${what} begins here and does not end in its line`);
  }

  #noValue(): never {
    if (this.#isAtEnd) this.#break('a value is missing');
    const word = this.#take(WORD);
    if (word === undefined) this.#break('a value is missing before this');
    throw new Break(this.#at - word.length, `${word} is no value; a text needs double quotes`);
  }

  #unclosed(opened: number, end: string): never {
    throw new Break(
      this.#text.trimEnd().length,
      `${end} is missing: ${this.#text[opened]} was opened in line ${lineOf(this.#text, opened)}`,
    );
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? '-')) this.#at += 1;
  }

  #break(message: string): never {
    throw new Break(this.#at, message);
  }
}
