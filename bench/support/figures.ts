/** Combines measured values into figures, and writes figures as text. */

/** @throws {Error} when the value is not a number, so that nothing was found where the figure comes from */
export function finite(value: number): number {
  if (!Number.isFinite(value)) throw new Error(`a figure was not found: it is ${value}`);
  return value;
}

/** `1,234.5`, with as many decimal places as make sense for the size. @throws {Error} as {@link finite} does */
export function decimal(value: number): string {
  const maximumFractionDigits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return finite(value).toLocaleString('en', { maximumFractionDigits });
}

/** The lower and the upper quartile. */
export function quartiles(values: readonly number[]): readonly [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
  return [at(0.25), at(0.75)];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = sorted.slice(middle - 1, middle + 1);
  return sorted.length % 2 === 0 ? (low + high) / 2 : (sorted[middle] ?? Number.NaN);
}

/** `sorted`: ascending. NaN when there is nothing. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN;
}
