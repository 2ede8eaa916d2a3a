/** Writes the tables of the partitions study. */
import { decimal, finite, median } from '../../support/figures.ts';
import { markdown } from '../../support/markdown.ts';
import type { Round } from './stage.ts';

export interface Result {
  readonly partitions: number;
  /** In order: rounds with the same index were made one after the other. */
  readonly rounds: Round[];
}

type Cost = (round: Round) => number;

const COSTS: readonly (readonly [title: string, cost: Cost])[] = [
  ['the consumers', ({ consumers }) => consumers],
  ['RabbitMQ, in', ({ rabbitMqIn }) => rabbitMqIn],
  ['RabbitMQ, out', ({ rabbitMqOut }) => rabbitMqOut],
  ['Redis', ({ redis }) => redis],
  ['together', (round) => round.consumers + round.rabbitMqIn + round.rabbitMqOut + round.redis],
];

export function costsTable(results: readonly Result[]): string {
  const [first, ...more] = results;
  const rows = COSTS.map(([title, cost]) => [
    title,
    ...results.map(({ rounds }) => spread(rounds.map(cost))),
    ...more.map(({ rounds }) => spread(ratios(rounds, first?.rounds ?? [], cost))),
  ]);
  return markdown(
    [
      'CPU-µs an event',
      ...results.map(({ partitions }) => String(partitions)),
      ...more.map(({ partitions }) => `${partitions} ÷ ${first?.partitions}`),
    ],
    rows,
  );
}

export function ratesTable(results: readonly Result[]): string {
  return markdown(
    [
      'partitions and processes',
      'the CPU allows each process, /s',
      'rate seen, all together, /s',
      'of the machine, others took',
    ],
    results.map(({ partitions, rounds }) => [
      String(partitions),
      decimal(1e6 / median(rounds.map(({ consumers }) => consumers))),
      spread(rounds.map(({ perSecond }) => perSecond)),
      `${decimal(median(rounds.map(({ othersShare }) => othersShare)) * 100)} %`,
    ]),
  );
}

/** Ratios of rounds that were made one after the other, so that other load on the machine affects both alike. */
function ratios(rounds: readonly Round[], first: readonly Round[], cost: Cost): readonly number[] {
  return rounds.map((round, at) => {
    const beside = first[at];
    return finite(beside === undefined ? Number.NaN : cost(round) / cost(beside));
  });
}

/** `12.3 (11.9–13.1)`: the median of the rounds, with the lowest and the highest. */
function spread(values: readonly number[]): string {
  return `${decimal(median(values))} (${decimal(Math.min(...values))}–${decimal(Math.max(...values))})`;
}
