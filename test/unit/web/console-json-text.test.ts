/** Where the console's editor says that a JSON text is wrong, and where it says that a path is. */
import { describe, expect, test } from 'vitest';
import { lineOf, scanJson } from '../../../web/console/send/json-text.ts';
import fc from '../../support/fast-check.ts';

function faultIn(text: string): string {
  const scan = scanJson(text);
  return scan.ok ? 'none' : `${scan.fault.line}:${scan.fault.column} ${scan.fault.message}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the fault of a JSON text', () => {
  test.each([
    ['', '1:1 there is nothing here'],
    ['{\n  "a": 1\n  "b": 2\n}', '3:3 a comma or } is missing before this'],
    ['{\n  "a": 1,\n}', '2:9 no comma may stand before }'],
    ['[1, 2,]', '1:6 no comma may stand before ]'],
    ['{\n  a: 1\n}', '2:3 a name in double quotes is expected'],
    ["{ 'a': 1 }", '1:3 a name in double quotes is expected'],
    ['{ "a" 1 }', '1:7 a colon is missing after "a"'],
    ['{ "a": }', '1:8 a value is missing before this'],
    ['{ "a":', '1:7 a value is missing'],
    ['{\n  "a": yes\n}', '2:8 yes is no value; a text needs double quotes'],
    ['{ "a": 01 }', '1:8 01 is no value; a text needs double quotes'],
    ['{\n  "a": "b\n}', '2:8 a text begins here and does not end in its line'],
    ['{ "a": "\\x" }', '1:9 this is no escape that JSON knows'],
    ['{\n  "a": [1, 2\n', '2:13 ] is missing: [ was opened in line 2'],
    ['{ "a": 1', '1:9 } is missing: { was opened in line 1'],
    ['{ "a": 1,\n', '1:10 } is missing: { was opened in line 1'],
    ['{} {}', '1:4 nothing may follow the end of the JSON'],
  ])('%j: %s', (text, fault) => {
    expect(faultIn(text)).toBe(fault);
  });

  test('there is one exactly when JSON.parse finds one', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '.5',
      'true',
      'nul',
      ' ',
      '\n',
      '\t',
      'é',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        expect(scanJson(text).ok).toBe(isJson(text));
      }),
      { numRuns: 2_000 },
    );
    fc.assert(fc.property(fc.json(), (text) => scanJson(text).ok));
  });

  test('cutting a text anywhere is a fault within it', () => {
    const text = '{\n  "audience": ["user:ada"],\n  "data": { "n": 1.5 }\n}';
    for (let length = 0; length < text.length; length += 1) {
      const scan = scanJson(text.slice(0, length));
      expect(scan.ok ? -1 : scan.fault.at).toBeGreaterThanOrEqual(0);
      expect(scan.ok ? length + 1 : scan.fault.at).toBeLessThanOrEqual(length);
    }
  });
});

test('each value has its place, by the path that problems name', () => {
  const text = '{\n  "audience": [\n    "user:a b",\n    "global"\n  ],\n  "data": {\n    "title": 1\n  }\n}';
  const scan = scanJson(text);
  const lines = scan.ok
    ? Object.fromEntries([...scan.places].map(([path, at]) => [path, lineOf(text, at)]))
    : {};
  expect(lines).toEqual({
    '': 1,
    audience: 2,
    'audience[0]': 3,
    'audience[1]': 4,
    data: 6,
    'data.title': 7,
  });
});
