/** One question of the study: a table of the results, with a note on how to read it. */
import { decimal, median } from '../../support/figures.ts';
import { markdown } from '../../support/markdown.ts';

export interface Section {
  readonly title: string;
  readonly note: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function markdownOf({ title, note, columns, rows }: Section): string {
  return `## ${title}\n\n${note}\n\n${markdown(columns, rows)}`;
}

/** `12.3 (11.9–13.1)`: the median of the rounds, with the lowest and the highest. */
export function spread(values: readonly number[]): string {
  return `${decimal(median(values))} (${decimal(Math.min(...values))}–${decimal(Math.max(...values))})`;
}
