/** Computes the medians of the measurements, and compares ours with each peer's. */
import { median } from '../support/figures.ts';
import type { ContestantName, FigureName, Figures } from './job.ts';
import type { Target, Work } from './works.ts';

export interface Result {
  readonly work: Work;
  /** In the order of the work's contestants. */
  readonly rows: readonly Row[];
}

export interface Row {
  readonly contestant: ContestantName;
  readonly figures: Figures;
  /** Ours divided by this one's. Undefined for ours, and when one of the figures is 0: see {@link ratioOf}. */
  readonly ratio: number | undefined;
}

export interface Verdict {
  readonly target: Target;
  readonly ratio: number;
  readonly isMet: boolean;
  readonly isMoonshot: boolean;
}

const FIGURES: readonly FigureName[] = [
  'cpuMicros',
  'perSecond',
  'p50Ms',
  'p99Ms',
  'wireBytes',
  'connectionBytes',
  'heapBytes',
  'backMs',
];

export function resultOf(work: Work, measured: ReadonlyMap<ContestantName, readonly Figures[]>): Result {
  const medians = work.contestants.map((contestant) => ({
    contestant,
    figures: medianOf(measured.get(contestant) ?? []),
  }));
  const ours =
    medians.find(({ contestant }) => contestant === 'carillon')?.figures[work.figure] ?? Number.NaN;
  return {
    work,
    rows: medians.map((row) => {
      const theirs = row.figures[work.figure] ?? Number.NaN;
      return { ...row, ratio: row.contestant === 'carillon' ? undefined : ratioOf(ours, theirs) };
    }),
  };
}

/** A handful of connections may fit into memory that the server already had. Their 0 bytes allow no ratio. */
function ratioOf(ours: number, theirs: number): number | undefined {
  return ours === 0 || theirs === 0 ? undefined : ours / theirs;
}

function medianOf(measured: readonly Figures[]): Figures {
  const figures = FIGURES.flatMap((name) => {
    const values = measured.flatMap((one) => one[name] ?? []);
    return values.length === 0 ? [] : [[name, median(values)] as const];
  });
  return { ...Object.fromEntries(figures), deflate: measured.every(({ deflate }) => deflate) };
}

export function verdictsOf({ work, rows }: Result): readonly Verdict[] {
  return work.targets.map((target) => {
    const ratio = rows.find(({ contestant }) => contestant === target.peer)?.ratio ?? Number.NaN;
    const reaches = (limit: number) => (work.higherIsBetter ? ratio >= limit : ratio <= limit);
    return { target, ratio, isMet: reaches(target.ratio), isMoonshot: reaches(target.moonshot) };
  });
}

/** @throws {Error} when a figure that every measurement of this kind has is missing or not a number */
export function checkComplete({ work, rows }: Result): void {
  for (const { contestant, figures, ratio } of rows) {
    const numbers = [figures[work.figure], ...Object.values(figures).filter((value) => value !== undefined)];
    const isWhole = numbers.every((value) => typeof value === 'boolean' || Number.isFinite(value));
    const hasRatio =
      contestant === 'carillon' || work.figure === 'connectionBytes' || (ratio ?? Number.NaN) > 0;
    if (!isWhole || !hasRatio)
      throw new Error(`${work.title}: the figures of ${contestant} are not complete`);
  }
}
