/** JSON texts of every kind: numbers that no double holds, escapes, names that look like others. */
import fc from '../../support/fast-check.ts';

const anyNumber = fc.oneof(
  fc.constantFrom(
    '1285704473650888702',
    '1e400',
    '-0',
    '1.0',
    '1E5',
    '-1e-400',
    '0.1000000000000000055511151231257827',
  ),
  fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,4})?$/),
);
const anyCharacters = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text.toWellFormed()).slice(1, -1)),
  fc.constantFrom(
    '\\u0041',
    '\\/',
    '\\ud83d\\ude00',
    '\\\\ud83d',
    '\\u0000',
    '\\ufffd',
    '\\"},',
    ':[',
    '😀',
    ',\\"data',
  ),
);
const anyString = fc.array(anyCharacters, { maxLength: 4 }).map((parts) => `"${parts.join('')}"`);
const anyScalar = fc.oneof(anyNumber, anyString, fc.constantFrom('true', 'false', 'null', '[]', '{}'));
/** Names are different when parsed, too. */
const named = (values: readonly (readonly [string, string])[]) =>
  `{${values.map(([name, value], i) => `"${i} ${name.slice(1)}:${value}`).join(',')}}`;

/** An object without spaces between its parts. */
export const anyObjectText = fc
  .letrec<{ value: string; object: string; array: string }>((tie) => ({
    value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, anyScalar, tie('object'), tie('array')),
    object: fc.array(fc.tuple(anyString, tie('value')), { maxLength: 4 }).map(named),
    array: fc.array(tie('value'), { maxLength: 4 }).map((values) => `[${values.join(',')}]`),
  }))
  .object.map((text) => text);
