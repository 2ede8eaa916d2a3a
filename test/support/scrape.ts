/** Scrapes the metrics of a process as Prometheus does. */
import type { CarillonProcess } from './carillon.ts';

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** @throws when a line does not follow the text format */
export function parseExposition(text: string): readonly Series[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, braces = '', value] = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`not a sample: ${line}`);
      const labels = Array.from(
        braces.matchAll(/(\w+)="((?:\\.|[^"\\])*)"/g),
        ([, label = '', text = '']) => [label, text] as const,
      );
      return { name, labels: Object.fromEntries(labels), value: Number(value) };
    });
}

export async function scrape({ opsUrl }: Pick<CarillonProcess, 'opsUrl'>): Promise<readonly Series[]> {
  return parseExposition(await (await fetch(`${opsUrl}/metrics`)).text());
}

/** The sum of the series that have this name and all of these labels; undefined when there are none. */
export function sumOf(
  series: readonly Series[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = series.filter(
    (one) =>
      one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
  );
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}
