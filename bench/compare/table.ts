/** Writes the results as Markdown: every figure, and the ratios beside their targets. */
import { decimal } from '../support/figures.ts';
import { markdown } from '../support/markdown.ts';
import type { ContestantName, Figures } from './job.ts';
import { type Result, verdictsOf } from './results.ts';
import type { Work } from './works.ts';

export const NAMES: Readonly<Record<ContestantName, string>> = {
  carillon: 'Carillon',
  stock: 'stock, plain',
  'stock-deflate': 'stock, deflate',
  'raw-ws': 'raw ws',
};

export function figuresTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ work, rows }) =>
    rows.map(({ contestant, figures, ratio }) => [
      work.title,
      NAMES[contestant],
      figures.deflate ? 'yes' : 'no',
      ...cells(work, figures),
      ratio === undefined ? '' : ratioText(ratio),
    ]),
  );
  return markdown(
    [
      'work',
      'server',
      'deflate',
      'CPU-µs each',
      'each',
      'in a second',
      'p50 ms',
      'p99 ms',
      'bytes on the wire',
      'KB a connection',
      'of it heap',
      'all back after s',
      'Carillon ÷ this',
    ],
    rows,
  );
}

function cells(work: Work, figures: Figures): readonly string[] {
  const { cpuMicros, perSecond, p50Ms, p99Ms, wireBytes, connectionBytes, heapBytes, backMs } = figures;
  const thousandth = (value: number | undefined) => (value === undefined ? undefined : value / 1_000);
  const values = [
    ...[cpuMicros, perSecond, p50Ms, p99Ms, wireBytes],
    ...[connectionBytes, heapBytes, backMs].map(thousandth),
  ];
  const [cpu, ...others] = values.map((value) => (value === undefined ? '' : decimal(value)));
  return [cpu ?? '', work.unit, ...others];
}

export function targetsTable(results: readonly Result[]): string {
  const rows = results.flatMap((result) =>
    verdictsOf(result).map(({ target, ratio, isMet, isMoonshot }) => {
      const sign = result.work.higherIsBetter ? '≥' : '≤';
      return [
        `${result.work.title}: ${figureNames[result.work.figure]}, Carillon ÷ ${NAMES[target.peer]}`,
        ratioText(ratio),
        `${sign} ${ratioText(target.ratio)}`,
        `${sign} ${ratioText(target.moonshot)}`,
        isMoonshot ? 'moonshot' : isMet ? 'met' : '**missed**',
      ];
    }),
  );
  return markdown(['work', 'ratio', 'target', 'moonshot', ''], rows);
}

const figureNames = {
  cpuMicros: 'CPU',
  perSecond: 'rate',
  p50Ms: 'p50',
  p99Ms: 'p99',
  wireBytes: 'bytes',
  connectionBytes: 'memory',
  heapBytes: 'heap',
  backMs: 'time until all are back',
};

/** Shows small ratios as fractions too, as people think of them: 1/12. */
function ratioText(ratio: number): string {
  return ratio > 0.3 ? ratio.toFixed(2) : `${ratio.toFixed(3)} (1/${decimal(1 / ratio)})`;
}
