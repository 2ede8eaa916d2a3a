/** Text of strangers, made visible: nothing that a terminal obeys is left, and JSON still says the same. */
import { expect, test } from 'vitest';
import { problem } from '../../../src/contract/problem.ts';
import { visible, visibleLine } from '../../../src/contract/visible.ts';
import { createLog } from '../../../src/observe/log.ts';
import fc from '../../support/fast-check.ts';
import { UNSEEN } from '../../support/unseen.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '\u001b',
      '\u009b',
      '\u202e',
      '\u200b',
      '\ufeff',
      '\u{e0041}',
      '\ud800',
      'a',
      '"',
      '\\',
      '\n',
    ),
  }),
);

test.for<[string, string]>([
  ['plain, été, 日本, 🔔', 'plain, été, 日本, 🔔'],
  ['\u001b]0;t\u0007', '\\u001b]0;t\\u0007'],
  ['\u009b2J\u007f', '\\u009b2J\\u007f'],
  ['a\u202eb\u2066c\u200e', 'a\\u202eb\\u2066c\\u200e'],
  ['ad\u200bmin\u00ad', 'ad\\u200bmin\\u00ad'],
  ['\u{e0041}', '\\udb40\\udc41'],
  ['\ud800', '\\ud800'],
  ['❤️', '❤️'],
  ['two\nlines\tand a tab', 'two\nlines\tand a tab'],
])('%j', ([text, shown]) => {
  expect(visible(text)).toBe(shown);
});

test('leaves nothing unseen but tabs and line ends, of a line not even those', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(visible(text).replaceAll(/[\t\n]/g, '')).not.toMatch(UNSEEN);
      expect(visibleLine(text)).not.toMatch(UNSEEN);
    }),
    { numRuns: 1_000 },
  );
});

test('of JSON it is the same JSON', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.jsonValue(), fc.dictionary(anyText, anyText)), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.stringify(JSON.parse(visible(text)))).toBe(text);
    }),
    { numRuns: 1_000 },
  );
});

test('problem details and log lines are visible', () => {
  const hostile = '\u009b31mevil\u202e\u200b';
  expect(problem('not_found', 404, hostile).detail).not.toMatch(UNSEEN);
  const lines: string[] = [];
  const log = createLog({ level: 'info', redact: [], destination: { write: (line) => lines.push(line) } });
  log.info({ origin: hostile }, 'refused');
  expect(lines.join('').trimEnd()).not.toMatch(UNSEEN);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ origin: hostile });
});
