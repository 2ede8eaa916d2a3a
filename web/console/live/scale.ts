/** From values to the paths of a line chart. */

interface Frame {
  readonly width: number;
  readonly height: number;
  /** The value at the top. */
  readonly max: number;
}

/** The next of 1, 2, 5, 10, 20, 50 … that nothing exceeds; `least` when all is small. */
export function niceMax(values: readonly number[], least: number): number {
  const max = Math.max(least, ...values);
  const power = 10 ** Math.floor(Math.log10(max));
  const step = [1, 2, 5].find((factor) => factor * power >= max) ?? 10;
  return step * power;
}

/** A line through the values; where one is missing the line has a gap. */
export function linePath(values: readonly (number | undefined)[], frame: Frame): string {
  return values
    .map((value, i) => {
      if (value === undefined) return '';
      return `${values[i - 1] === undefined ? 'M' : 'L'}${point(i, value, values.length, frame)}`;
    })
    .join('');
}

/** A dot at each value, so that one between gaps shows too: lines of no length, with round ends. */
export function dotsPath(values: readonly (number | undefined)[], frame: Frame): string {
  return values
    .map((value, i) => (value === undefined ? '' : `M${point(i, value, values.length, frame)}h0`))
    .join('');
}

/** What is under the line. All values are there. */
export function areaPath(values: readonly number[], frame: Frame): string {
  if (values.length === 0) return '';
  return `${linePath(values, frame)}L${frame.width} ${frame.height}L0 ${frame.height}Z`;
}

function point(i: number, value: number, count: number, { width, height, max }: Frame): string {
  const x = count < 2 ? width : (i / (count - 1)) * width;
  const y = height - (Math.min(value, max) / max) * height;
  return `${round(x)} ${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
