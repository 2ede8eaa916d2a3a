/**
 * JSON as it was written. JSON.parse keeps of a number what a double holds, and takes halves of characters; here values
 * are cut out of the text as they stand there. Every text MUST have been parsed by JSON.parse before: what is no JSON
 * is cut anywhere, and what is nested without a bound overflows the stack.
 */
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [ARRAY, ARRAY_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d];
const [SPACE, MINUS, DIGIT_0, DIGIT_9] = [0x20, 0x2d, 0x30, 0x39];

/** Escapes in their order: a pair of surrogates, one that stands alone, any other. */
const ESCAPES =
  /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u([dD][89a-fA-F][\da-fA-F]{2})|.)/g;

/**
 * The text with U+FFFD in place of each escaped surrogate that stands alone. Half a character is no text: parsers other
 * than JavaScript's refuse the whole message for it.
 */
export function mendedJson(text: string): string {
  if (!text.includes('\\ud') && !text.includes('\\uD')) return text;
  return text.replace(ESCAPES, (written, alone) => (alone === undefined ? written : '\\ufffd'));
}

/** The text of an object's member, undefined when there is none. Of two with one name it is the last. */
export function memberText(text: string, name: string): string | undefined {
  let found: string | undefined;
  eachMember(text, (at, keyEnd, from, end) => {
    // Only what is asked for is copied: each event comes this way.
    if (isName(text, at, keyEnd, name)) found = text.slice(from, end);
  });
  return found;
}

/** The text of an object with another value of a member, wherever it is. It stays as it is without that member. */
export function withOtherValue(text: string, name: string, value: string): string {
  let replaced = '';
  let done = 0;
  eachMember(text, (at, keyEnd, from, end) => {
    if (!isName(text, at, keyEnd, name)) return;
    replaced += text.slice(done, from) + value;
    done = end;
  });
  return replaced + text.slice(done);
}

/** The texts of an array's elements. */
export function elementTexts(text: string): string[] {
  const texts: string[] = [];
  for (let at = firstPart(text); at < text.length && text.charCodeAt(at) !== ARRAY_END; ) {
    const end = valueEnd(text, at);
    texts.push(text.slice(at, end));
    at = nextPart(text, end);
  }
  return texts;
}

/**
 * The same value without spaces between its parts, with each name once in an object (the last of two, as JSON.parse
 * has it), and mended. Numbers and strings stay as they were written. `value`: what the text was parsed to.
 */
export function tidyJson(text: string, value: unknown): string {
  const mended = mendedJson(text);
  const { compact, members } = compacted(mended);
  // Names that are there twice are one when parsed, and names that were mended may have become one.
  return mended === text && members === countMembers(value) ? compact : tidied(compact);
}

/** The text with other texts in place of its numbers. */
export function replaceNumbers(text: string, replace: (number: string) => string): string {
  let replaced = '';
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = stringEnd(text, at);
    else if (code === MINUS || (code >= DIGIT_0 && code <= DIGIT_9)) {
      const end = valueEnd(text, at);
      replaced += text.slice(from, at) + replace(text.slice(at, end));
      at = end;
      from = end;
    } else at += 1;
  }
  return replaced + text.slice(from);
}

function tidied(text: string): string {
  const begin = text.charCodeAt(tokenAt(text, 0));
  if (begin === ARRAY) return `[${elementTexts(text).map(tidied).join(',')}]`;
  if (begin !== OBJECT) return text.trim();
  const members = new Map<string, string>();
  eachMember(text, (at, keyEnd, from, end) => {
    const key = text.slice(at, keyEnd);
    members.set(JSON.parse(key), `${key}:${tidied(text.slice(from, end))}`);
  });
  return `{${[...members.values()].join(',')}}`;
}

/** Where the name of each member of an object begins and ends, with its quotes, and where its value does. */
function eachMember(
  text: string,
  visit: (at: number, keyEnd: number, from: number, end: number) => void,
): void {
  for (let at = firstPart(text); at < text.length && text.charCodeAt(at) !== OBJECT_END; ) {
    const keyEnd = stringEnd(text, at);
    const from = tokenAt(text, tokenAt(text, keyEnd) + 1);
    const end = valueEnd(text, from);
    visit(at, keyEnd, from, end);
    at = nextPart(text, end);
  }
}

/** Whether the string from `at` to `end`, with its quotes, is this name. */
function isName(text: string, at: number, end: number, name: string): boolean {
  if (end - at === name.length + 2 && text.startsWith(name, at + 1)) return true;
  // Each escape is longer than what it stands for.
  if (end - at <= name.length + 2) return false;
  const key = text.slice(at, end);
  return key.includes('\\') && JSON.parse(key) === name;
}

/** Where the first member or element of the text begins, or its end. */
function firstPart(text: string): number {
  return tokenAt(text, tokenAt(text, 0) + 1);
}

/** Where the next one begins, or the end, behind the one that ends at `end`. */
function nextPart(text: string, end: number): number {
  const at = tokenAt(text, end);
  return text.charCodeAt(at) === COMMA ? tokenAt(text, at + 1) : at;
}

/** Where the next part begins, behind spaces. */
function tokenAt(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= SPACE) at += 1;
  return at;
}

function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at += 1;
  }
  return text.length;
}

function valueEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = stringEnd(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (code === OBJECT || code === ARRAY) depth += 1;
    else if (code === OBJECT_END || code === ARRAY_END) {
      depth -= 1;
      if (depth < 0) return at;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (code === COMMA || code <= SPACE)) return at;
    at += 1;
  }
  return text.length;
}

/** The text without spaces between its parts, and how many members all objects in it have. */
function compacted(text: string): { readonly compact: string; readonly members: number } {
  let compact = '';
  let from = 0;
  let members = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = stringEnd(text, at) - 1;
    else if (code === COLON) members += 1;
    else if (code <= SPACE) {
      compact += text.slice(from, at);
      from = at + 1;
    }
  }
  return { compact: from === 0 ? text : compact + text.slice(from), members };
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value);
  let count = Array.isArray(value) ? 0 : inner.length;
  for (const one of inner) {
    if (typeof one === 'object') count += countMembers(one);
  }
  return count;
}
