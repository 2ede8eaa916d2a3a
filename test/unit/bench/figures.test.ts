/** A bench whose figure was not found fails, instead of writing a table without it. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Figures } from '../../../bench/compare/job.ts';
import { checkComplete, resultOf } from '../../../bench/compare/results.ts';
import { figuresTable } from '../../../bench/compare/table.ts';
import { worksOf } from '../../../bench/compare/works.ts';
import { factsSchema } from '../../../bench/studies/inbox/facts.ts';
import { decimal, median } from '../../../bench/support/figures.ts';
import { markdown } from '../../../bench/support/markdown.ts';

test('a figure is written as a number, or not at all', () => {
  expect([0, -1, 9.876, 98.76, 987.6, 12_345].map(decimal)).toEqual([
    '0',
    '-1',
    '9.88',
    '98.8',
    '988',
    '12,345',
  ]);
  for (const nothing of [Number.NaN, Number.POSITIVE_INFINITY, median([]), Number(undefined)])
    expect(() => decimal(nothing)).toThrow('was not found');
});

test('a table has rows, and each row all its cells', () => {
  expect(markdown(['a', 'b'], [['1', '']])).toBe('| a | b |\n| --- | --- |\n| 1 |  |');
  expect(() => markdown(['a', 'b'], [])).toThrow('it has no rows');
  expect(() => markdown(['a', 'b'], [['1', '2'], ['3']])).toThrow('3');
});

test.each([
  [0, 10_485.76],
  [10_485.76, 0],
  [0, 0],
])(
  'memory that a handful of connections did not take is a figure without a ratio: %d beside %d',
  (ours, theirs) => {
    const work = worksOf(true).find(({ figure }) => figure === 'connectionBytes');
    if (work === undefined) throw new Error('no work measures memory');
    const of = (connectionBytes: number): readonly Figures[] => [{ connectionBytes, deflate: true }];
    const result = resultOf(
      work,
      new Map(work.contestants.map((name) => [name, of(name === 'carillon' ? ours : theirs)])),
    );
    checkComplete(result);
    expect(figuresTable([result])).toMatch(/\| stock, plain \|.*\| {2}\|$/m);
  },
);

test('a program of the inbox study tells something, and a figure of each', () => {
  expect(factsSchema.safeParse([{ what: 'memory', measured: '3 bytes' }]).success).toBe(true);
  expect(factsSchema.safeParse([]).success).toBe(false);
  expect(factsSchema.safeParse([{ what: 'memory', measured: 'NaN bytes' }]).success).toBe(false);
});

test('each study says in its first lines how it is run, and takes its command line and its results from one place', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
  const studies = readdirSync('bench/studies').filter((name) => name.endsWith('.ts'));
  expect(studies).not.toEqual([]);
  for (const file of studies) {
    const name = file.slice(0, -'.ts'.length);
    const text = readFileSync(`bench/studies/${file}`, 'utf8');
    expect(scripts[`bench:${name}`]).toBe(`tsx bench/studies/${file}`);
    expect(text.slice(0, text.indexOf('*/'))).toMatch(
      new RegExp(`\\?[^]*npm run bench:${name}\\n[^]*--smoke`),
    );
    expect(text).toContain(`('${name}.md', `);
  }
});

test('CI runs every bench with small numbers', () => {
  expect(readFileSync('.ci/run', 'utf8')).toContain('\nnpm run bench:smoke\n');
});
