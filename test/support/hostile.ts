/** What a hostile sender writes in place of sensible values, and a counter for the inputs. */
import { afterAll } from 'vitest';
import fc from './fast-check.ts';

/** The caller MUST call the returned function for each input. The count is printed once, at the end of the file. */
export function countInputs(): (inputs?: number) => void {
  let count = 0;
  afterAll(() => console.log(`${count} hostile inputs tried`));
  return (inputs = 1) => {
    count += inputs;
  };
}

/** Chooses among arbitraries by weight. The weight stands before each. */
export const weighted = <T>(...choices: readonly (readonly [number, fc.Arbitrary<T>])[]): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));

export const nested = (levels: number, open = '[', close = ']') =>
  `${open.repeat(levels)}${open === '[' ? '' : '1'}${close.repeat(levels)}`;

const texts = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  'a\udfff',
  '\u202e',
  '\ufeff',
  '__proto__',
  'constructor',
  'toString',
  '{user:1}:log',
  'user:1}',
  '",{"offset":9}',
  '\r\nSet-Cookie: a=b',
  '$(id)',
  '../../etc/passwd',
  '%00',
  'x'.repeat(129),
  'x'.repeat(257),
  'x'.repeat(20_000),
];

/** JSON that JSON.stringify cannot write, or that breaks a careless parser. */
const rawJson = [
  '1e400',
  '-1e999',
  '1e-400',
  '-0',
  '9007199254740993',
  '1'.repeat(400),
  `0.${'3'.repeat(400)}`,
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"a":1,"a":2}',
  '{"":{"":{}}}',
  '{"toString":1,"valueOf":1}',
  '{"length":1e9}',
  '{"_placeholder":true,"num":0}',
  '{"then":1}',
  nested(20),
  nested(20, '{"a":', '}'),
];

/** Any JSON value, usually one that a careless check takes for another. */
export const hostileValue: fc.Arbitrary<unknown> = weighted<unknown>(
  [3, fc.constantFrom(...texts)],
  [3, fc.constantFrom<unknown>(null, true, false, 0, -1, 0.5, 1e21, 2 ** 53, -1e308, [], {}, [[]], [null])],
  [1, fc.jsonValue({ maxDepth: 3 })],
);

/** JSON text that is always valid. */
export const hostileJson: fc.Arbitrary<string> = weighted<string>(
  [2, hostileValue.map((value) => JSON.stringify(value))],
  [1, fc.constantFrom(...rawJson)],
);

/** Ways to damage JSON text. `before` and `after` are the two parts of the text. */
const spoilers: Readonly<Record<string, (before: Buffer, after: Buffer, noise: Uint8Array) => Uint8Array[]>> =
  {
    'cut off': (before) => [before],
    'bytes changed': (before, after, noise) => [before, noise, after.subarray(noise.length)],
    'bytes put in': (before, after, noise) => [before, noise, after],
    'text behind': (before, after) => [before, after, Buffer.from(' {}')],
    'a byte order mark': (before, after) => [Buffer.from('\ufeff'), before, after],
    'not UTF-8': (before, after) => [before, Buffer.of(0xff), after],
    'UTF-16': (before, after) => [Buffer.from(`${before}${after}`, 'utf16le')],
    noise: (_before, _after, noise) => [noise],
  };

/** Damaged JSON text, or text that never was JSON. */
export const spoilt = (text: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc
    .record({
      text,
      at: fc.nat(),
      spoil: fc.constantFrom(...Object.values(spoilers)),
      noise: fc.uint8Array({ minLength: 1, maxLength: 9 }),
    })
    .map(({ text: whole, at, spoil, noise }) => {
      const bytes = Buffer.from(whole);
      const place = at % (bytes.length + 1);
      return Buffer.concat(spoil(bytes.subarray(0, place), bytes.subarray(place), noise));
    });
