/** JSON texts are cut where JSON.parse sees the values, and tidied into what it sees. */
import { describe, expect, test } from 'vitest';
import {
  elementTexts,
  memberText,
  mendedJson,
  replaceNumbers,
  tidyJson,
  withOtherValue,
} from '../../../src/contract/json-text.ts';
import { guardNumbers, restoreNumbers } from '../../../src/contract/numbers.ts';
import fc from '../../support/fast-check.ts';
import { anyObjectText } from './json-texts.ts';

const run = { numRuns: 2_000 };

const spaced = (text: string) =>
  text.replaceAll(/"(?:[^"\\]|\\.)*"|[[\]{}:,]/g, (part) => (part.length === 1 ? ` ${part}\n\t` : part));

test('members and elements are cut as JSON.parse sees them', () => {
  fc.assert(
    fc.property(anyObjectText, fc.boolean(), (object, isSpaced) => {
      const text = isSpaced
        ? spaced(`[{"a":1,"data":${object},"z":[${object}]},2]`)
        : `[{"data":${object}},2]`;
      const [whole = ''] = elementTexts(text);
      expect(JSON.parse(whole)).toEqual(JSON.parse(text)[0]);
      expect(JSON.parse(memberText(whole, 'data') ?? '')).toEqual(JSON.parse(object));
      for (const [name, value] of Object.entries(JSON.parse(object))) {
        expect(JSON.parse(memberText(object, name) ?? '')).toEqual(value);
      }
      expect(memberText(object, 'nobody')).toBeUndefined();
    }),
    run,
  );
});

test('another value stands where the member was, and nothing else changes', () => {
  fc.assert(
    fc.property(anyObjectText, anyObjectText, fc.boolean(), (before, object, isSpaced) => {
      const text = `{"a":${before},"data":1.0,"\\u0064isplay":${before},"z":{"display":1.0}}`;
      const written = isSpaced ? spaced(text) : text;
      const replaced = withOtherValue(written, 'display', object);
      expect(JSON.parse(replaced)).toEqual({ ...JSON.parse(text), display: JSON.parse(object) });
      expect(memberText(replaced, 'data')).toBe('1.0');
      expect(withOtherValue(written, 'nobody', object)).toBe(written);
    }),
    run,
  );
});

test('tidied is what was written without spaces, to the byte', () => {
  fc.assert(
    fc.property(anyObjectText, (text) => {
      expect(tidyJson(text, JSON.parse(text))).toBe(text);
      expect(tidyJson(spaced(text), JSON.parse(text))).toBe(text);
    }),
    run,
  );
});

test('numbers pass through code that parses and writes', () => {
  fc.assert(
    fc.property(anyObjectText, (text) => {
      const through = restoreNumbers(JSON.stringify(guardNumbers(text, JSON.parse(text))));
      const numbers = (json: string) => {
        const found: string[] = [];
        replaceNumbers(json, (number) => `${found.push(number)}`);
        return found.sort();
      };
      expect(numbers(through)).toEqual(numbers(text));
    }),
    run,
  );
});

describe('halves of characters', () => {
  test.for([
    ['{"a":"\\ud83d"}', '{"a":"\\ufffd"}'],
    ['{"a":"\\uDE00x\\uD83D"}', '{"a":"\\ufffdx\\ufffd"}'],
    ['{"a":"\\ud83d\\ud83d\\ude00"}', '{"a":"\\ufffd\\ud83d\\ude00"}'],
    ['{"a":"\\\\ud83d \\\\\\ud83d"}', '{"a":"\\\\ud83d \\\\\\ufffd"}'],
    ['{"a":"\\ud83d\\\\ude00"}', '{"a":"\\ufffd\\\\ude00"}'],
    ['{"\\ud83d":{"\\udc00":1}}', '{"\\ufffd":{"\\ufffd":1}}'],
  ])('%s', ([text = '', mended = '']) => {
    expect(mendedJson(text)).toBe(mended);
    expect(tidyJson(text, JSON.parse(text))).toBe(mended);
  });

  test('no text has any afterwards, and what has none stays', () => {
    const anyText = fc.array(fc.constantFrom('\\ud83d', '\\ude00', '\\\\', 'u', 'd83d', '\\"', '\\n', 'é'));
    fc.assert(
      fc.property(anyText, (parts) => {
        const text = `"${parts.join('')}"`;
        expect(JSON.parse(mendedJson(text))).toBe(JSON.parse(text).toWellFormed());
      }),
      run,
    );
  });
});

test('of two members with one name the last stays, also when they become one', () => {
  for (const [text, tidied] of [
    ['{"a":1,"b":2,"a":{"c":1.0,"c":2.0}}', '{"a":{"c":2.0},"b":2}'],
    ['{"a":1,"\\u0061":1e400}', '{"\\u0061":1e400}'],
    ['{"\\ud83d":1,"\\ud83e":2}', '{"\\ufffd":2}'],
    ['[{"__proto__":1.0,"__proto__":-0}]', '[{"__proto__":-0}]'],
  ] as const) {
    expect(tidyJson(text, JSON.parse(text))).toBe(tidied);
    expect(memberText('{"data":1,"\\u0064ata":2.0}', 'data')).toBe('2.0');
  }
});

test('what is no JSON ends', () => {
  for (const text of ['', '{', '{"a"', '{"a":', '[', '[1', '"', '{"a":"']) {
    memberText(text, 'a');
    elementTexts(text);
  }
});
