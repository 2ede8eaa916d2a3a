/** What the command line writes: colours only for people, and nothing of strangers that a terminal would obey. */
import { expect, test } from 'vitest';
import { duration, moment } from '../../../src/cli/options.ts';
import { openTerminal, plain, table } from '../../../src/cli/terminal.ts';
import { UNSEEN } from '../../support/unseen.ts';

/** A terminal, or none, and all that it was given. */
function open(isTTY: boolean, env: NodeJS.ProcessEnv) {
  const chunks: string[] = [];
  const write = (text: string) => chunks.push(text) > 0;
  const like = (stream: NodeJS.WriteStream) =>
    Object.create(stream, { isTTY: { value: isTTY }, write: { value: write } });
  const terminal = openTerminal({ stdout: like(process.stdout), stderr: like(process.stderr), env });
  return { terminal, written: () => chunks.join('') };
}

const ESCAPE = String.fromCharCode(27);

test.for<[string, boolean, NodeJS.ProcessEnv, boolean]>([
  ['a terminal', true, {}, true],
  ['a pipe', false, {}, false],
  ['a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['a terminal with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
  ['a dumb terminal', true, { TERM: 'dumb' }, false],
])('%s', ([, isTTY, env, isColoured]) => {
  const { terminal, written } = open(isTTY, env);
  terminal.print(terminal.style('red', 'text'));
  expect(written()).toBe(isColoured ? `${ESCAPE}[31mtext${ESCAPE}[39m\n` : 'text\n');
});

test.for([true, false])('whatever is printed, only the own colours reach a terminal: %s', (isTTY) => {
  const { terminal, written } = open(isTTY, {});
  const hostile = `${ESCAPE}[8m\u009b2J\u202e\u200b${terminal.style('bold', '').replaceAll(/[\da-f]{18}/g, 'f'.repeat(18))}`;
  terminal.print(`${terminal.style('bold', hostile)} ${hostile}`);
  terminal.complain(hostile);
  terminal.json({ hostile });
  terminal.complainJson({ [hostile]: 1 });
  const own = isTTY ? `${ESCAPE}[1m|${ESCAPE}[22m` : '';
  const rest = own
    .split('|')
    .reduce((text, code) => (code === '' ? text : text.replace(code, '')), written());
  expect(rest.replaceAll('\n', '')).not.toMatch(UNSEEN);
  expect(JSON.parse(rest.split('\n')[2] ?? '')).toEqual({ hostile });
});

test('what strangers wrote moves nothing and turns nothing', () => {
  const text = `a${ESCAPE}[2Jb\r\nc\u202Ed\u0007e\u2028f\u009Bg é 日本`;
  expect(plain(text)).toBe('a\\u001b[2Jb c\\u202ed\\u0007e\\u2028f\\u009bg é 日本');
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
