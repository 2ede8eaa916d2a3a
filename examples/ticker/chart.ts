/** A line of prices over their number, as SVG: the newest at the right edge, the whole height from lowest to highest. */

const NAMESPACE = 'http://www.w3.org/2000/svg';

/** Units of the drawing; it is stretched to the element's size. */
const [WIDTH, HEIGHT] = [1_000, 100];

/** So many fill the width; fewer leave room at the left. */
const FEWEST = 50;

export class Chart {
  readonly #line = document.createElementNS(NAMESPACE, 'polyline');
  readonly #area = document.createElementNS(NAMESPACE, 'polygon');
  readonly #ground = document.createElementNS(NAMESPACE, 'line');
  readonly #svg: SVGElement;

  constructor(svg: SVGElement) {
    this.#svg = svg;
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.append(this.#ground, this.#area, this.#line);
  }

  /** `level` is drawn for comparison: the price that the change is told from. */
  draw(prices: readonly number[], level: number): void {
    const low = Math.min(...prices);
    const high = Math.max(...prices);
    const step = WIDTH / Math.max(prices.length - 1, FEWEST);
    const x = (i: number) => WIDTH - (prices.length - 1 - i) * step;
    const y = (price: number) => (high === low ? HEIGHT / 2 : (HEIGHT * (high - price)) / (high - low));
    const points = prices.map((price, i) => `${x(i).toFixed(1)},${y(price).toFixed(1)}`);
    this.#line.setAttribute('points', points.join(' '));
    this.#area.setAttribute('points', [`${x(0)},${HEIGHT}`, ...points, `${WIDTH},${HEIGHT}`].join(' '));
    for (const [name, value] of [
      ['x1', 0],
      ['x2', WIDTH],
      ['y1', y(level)],
      ['y2', y(level)],
    ] as const) {
      this.#ground.setAttribute(name, String(value));
    }
    this.#svg.setAttribute('aria-label', `${prices.length} prices from ${low} to ${high}`);
  }
}
