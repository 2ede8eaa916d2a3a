/** What the command line writes: colours only for people, and nothing of strangers that a terminal would obey. */
import { expect, test } from 'vitest';
import { duration, moment } from '../../src/cli/options.ts';
import { openTerminal, plain, table } from '../../src/cli/terminal.ts';

function streams(isTTY: boolean, env: NodeJS.ProcessEnv) {
  const { stdout, stderr } = process;
  const like = (stream: NodeJS.WriteStream) => Object.create(stream, { isTTY: { value: isTTY } });
  return { stdout: like(stdout), stderr: like(stderr), env };
}

const ESCAPE = String.fromCharCode(27);

test.for<[string, boolean, NodeJS.ProcessEnv, boolean]>([
  ['a terminal', true, {}, true],
  ['a pipe', false, {}, false],
  ['a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['a terminal with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
  ['a dumb terminal', true, { TERM: 'dumb' }, false],
])('%s', ([, isTTY, env, isColoured]) => {
  const text = openTerminal(streams(isTTY, env)).style('red', 'text');
  expect(text.includes(ESCAPE)).toBe(isColoured);
});

test('what strangers wrote moves nothing and turns nothing', () => {
  const text = `a${ESCAPE}[2Jb\r\nc\u202Ed\u0007e\u2028f\u009Bg é 日本`;
  expect(plain(text)).toBe('a [2Jb c d e f g é 日本');
});

test('columns stand below each other', () => {
  expect(
    table([
      ['a', 'bb', 'long'],
      ['aaa', 'b', ''],
    ]),
  ).toBe('a    bb  long\naaa  b   ');
});

test('durations and moments', () => {
  expect([duration('90s'), duration('30m'), duration('12h'), duration('7d')]).toEqual([
    90, 1_800, 43_200, 604_800,
  ]);
  expect(() => duration('1 week')).toThrow('like 30m');
  expect(moment('2026-11-20T10:00:00+01:00')).toBe('2026-11-20T09:00:00.000Z');
  expect(Date.parse(moment('1h'))).toBeLessThanOrEqual(Date.now() - 3_600_000);
  expect(() => moment('yesterday')).toThrow('how long ago');
});
