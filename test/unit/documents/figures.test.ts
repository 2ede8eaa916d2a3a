/** A figure stands in one place: the README's are those that the bench wrote, and no document has another for the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (file: string) => readFileSync(file, 'utf8');

const cellsOf = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
const numberIn = (text: string) => Number(/\d[\d,]*(\.\d+)?/.exec(text)?.[0].replaceAll(',', ''));

/** Rows of `bench/results/compare.md` that have a server. */
const measured = read('bench/results/compare.md')
  .split('\n')
  .map(cellsOf)
  .filter(([, server]) => server === 'Carillon' || server?.startsWith('stock'));

/** The README's rows in their order: the works of the bench, of which a cell has one figure each, and its column. */
const [CPU, RATE, P99, WIRE, MEMORY, BACK] = [3, 5, 7, 8, 9, 11];
const ROWS: readonly (readonly [column: number, ...works: readonly string[]])[] = [
  [CPU, 'fan-out, 512 B'],
  [CPU, 'fan-out, 4 KB'],
  [CPU, 'fan-out, 512 B, ten a tick'],
  [CPU, 'end to end, burst of 300 to everybody'],
  [CPU, 'end to end, to one user each'],
  [MEMORY, 'memory of a connection at rest'],
  [MEMORY, 'memory of a connection at rest, 18,000 of them'],
  [RATE, 'connection storm'],
  [CPU, 'a session begins, nothing unread'],
  [BACK, 'rolling restart of 2 servers, 10,000 clients'],
  [P99, 'latency at 1,000/s, gateway', 'latency at 1,000/s, end to end'],
  [WIRE, 'fan-out, 512 B'],
];

/** Works in which stock with deflate does not take part (bench/compare/works.ts). */
const PLAIN_ONLY: readonly string[] = [
  'memory of a connection at rest, 18,000 of them',
  'rolling restart of 2 servers, 10,000 clients',
];

/** As many digits as the document shows. */
const rounded = (value: number, shown: number) => {
  const [, fraction = ''] = String(shown).split('.');
  const tolerance = shown < 2 ? 0.06 : 0.5 / 10 ** fraction.length;
  return Math.abs(value - shown) <= tolerance + 1e-9;
};

test.for(['README.md', 'README.zh.md'])('%s shows what the bench has measured', (file) => {
  const lines = read(file).split('\n');
  const head = lines.findIndex((line) => /^\|.*\| Carillon \|/.test(line));
  const rows = lines.slice(head + 2, head + 2 + ROWS.length).map(cellsOf);
  const wrong = ROWS.flatMap(([column, ...works], i) => {
    const expected = works.map((work) =>
      measured.filter(([name]) => name === work).map((cells) => numberIn(cells[column] ?? '')),
    );
    const servers = works.some((work) => PLAIN_ONLY.includes(work)) ? 2 : 3;
    const cells = (rows[i] ?? []).slice(1);
    const shown = works.map((_, k) =>
      cells.slice(0, servers).map((cell) => numberIn(cell.split(' / ')[k] ?? '')),
    );
    const isSame = expected.every(
      (values, k) =>
        cells.length === 3 &&
        cells.slice(servers).every((cell) => cell === '') &&
        values.length === servers &&
        values.every((value, server) => rounded(value, shown[k]?.[server] ?? 0)),
    );
    return isSame ? [] : [`${works}: ${shown} in ${file}, ${expected} measured`];
  });
  expect(wrong).toEqual([]);
});

test('what an event costs a consumer and RabbitMQ is in docs/scaling.md as the benches have measured it', () => {
  const scaling = read('docs/scaling.md');
  const usedOf = (name: string) =>
    numberIn(new RegExp(`\\| \`${name}\` \\|[^|]*\\| (\\d+ µs) \\|`).exec(scaling)?.[1] ?? '');
  const both = measured.find(([work]) => work === 'end to end, to one user each')?.[CPU];
  expect(Math.abs(usedOf('e') - Number(both))).toBeLessThan(0.05 * Number(both));
  const study = read('bench/results/partitions.md').split('\n').map(cellsOf);
  const medians = (what: string) =>
    study
      .find(([name]) => name === what)
      ?.slice(1, 4)
      .map(numberIn) ?? [Number.NaN];
  const [consumers, taken, given] = ['the consumers', 'RabbitMQ, in', 'RabbitMQ, out'].map(medians);
  const rabbitMq = taken?.map((micros, i) => micros + (given?.[i] ?? Number.NaN));
  for (const [name, found = []] of [['c', consumers] as const, ['q', rabbitMq] as const]) {
    // Not below the highest, so that nobody plans with too little, and not far above it.
    expect(usedOf(name)).toBeGreaterThanOrEqual(Math.max(...found));
    expect(usedOf(name)).toBeLessThan(1.2 * Math.max(...found));
  }
});

test('how many events a consumer takes is one figure, reckoned in docs/scaling.md', () => {
  const scaling = read('docs/scaling.md');
  const micros = numberIn(/\| `c` \|[^|]*\| (\d+ µs) \|/.exec(scaling)?.[1] ?? '');
  const rates = [...scaling.matchAll(/1 ÷ `c` = ([\d,]+)/g)].map(([, rate = '']) => numberIn(rate));
  expect(rates.length).toBeGreaterThan(0);
  for (const rate of rates) expect(Math.abs(rate - 1e6 / micros)).toBeLessThan(100);
  expect(scaling).not.toContain('1 ÷ `e`');
  // Others point there.
  const others = readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && file !== 'scaling.md')
    .map((file) => `docs/${file}`);
  for (const file of ['README.md', 'README.zh.md', 'CONTRIBUTING.md', ...others]) {
    expect(read(file)).not.toMatch(/\d[\d,]* events a second[^|]*more consumers/);
    expect(read(file)).not.toMatch(/consumer[^|\n]*\d,\d{3} events a second/);
  }
});
