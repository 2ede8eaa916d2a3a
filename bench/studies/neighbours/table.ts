/** Writes the results of the neighbours study as Markdown tables. */
import { decimal, median } from '../../support/figures.ts';
import { markdown } from '../../support/markdown.ts';
import type { Usage } from './gateway.ts';
import type { Result } from './measure.ts';

type Figure = 'p50Ms' | 'p99Ms' | 'maxMs' | 'cpuShare' | 'loopDelayMs' | 'machineShare';

export function latencyTable(results: readonly Result[]): string {
  return markdown(
    [
      'bad neighbours',
      ...['p50 ms alone', 'with them', 'ratio'],
      ...['p99 ms alone', 'with them', 'ratio'],
      ...['longest ms alone', 'with them'],
    ],
    results.map((result) => [
      result.title,
      ...compared(result, 'p50Ms'),
      ...compared(result, 'p99Ms'),
      ...compared(result, 'maxMs').slice(0, 2),
    ]),
  );
}

/** Figures of the process itself: they show how much of the latency comes from the gateway. */
export function processTable(results: readonly Result[]): string {
  return markdown(
    [
      'bad neighbours',
      ...['CPU, cores, alone', 'with them', 'ratio'],
      ...['event loop late by ms, 99 of 100, alone', 'with them', 'ratio'],
      ...['machine busy, alone', 'with them'],
    ],
    results.map((result) => [
      result.title,
      ...compared(result, 'cpuShare'),
      ...compared(result, 'loopDelayMs'),
      ...compared(result, 'machineShare').slice(0, 2),
    ]),
  );
}

export function memoryTable(results: readonly Result[]): string {
  const kinds = [
    ['RSS', ({ rssBytes }: Usage) => rssBytes],
    ['heap used', ({ heapBytes }: Usage) => heapBytes],
    ['external', ({ externalBytes }: Usage) => externalBytes],
  ] as const;
  return markdown(
    ['bad neighbours', 'MB', 'before', 'at the peak', 'after each time'],
    results.flatMap(({ title, before, peak, after }) =>
      kinds.map(([name, of]) => [
        title,
        name,
        ...[[before], [peak], after].map((usages) =>
          usages.map((usage) => decimal(of(usage) / 1e6)).join(' / '),
        ),
      ]),
    ),
  );
}

export function countsTable(results: readonly Result[]): string {
  const told = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${name}: ${decimal(count)}`)
      .join(', ');
  return markdown(
    ['bad neighbours', 'what they did', 'what the gateway counted'],
    results.map(({ title, counts, endings }) => [title, told(counts), told(endings)]),
  );
}

/** Shows the values of all rounds, and the ratio of their medians. */
function compared({ rounds }: Result, figure: Figure): string[] {
  const alone = rounds.map((round) => round.alone[figure]);
  const withBad = rounds.map((round) => round.withBad[figure]);
  const shown = (values: readonly number[]) => values.map(decimal).join(' / ');
  const [before, after] = [median(alone), median(withBad)];
  // The median may be 0, because an event loop may never be late.
  return [shown(alone), shown(withBad), before === 0 ? '' : decimal(after / before)];
}
