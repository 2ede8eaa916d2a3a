/** One symbol's card: its quotes in order, drawn once a frame, with how long they were on their way. */
import type { Notification, NotificationContext } from 'carillon-client';
import { find } from '../support/page.ts';
import { Chart } from './chart.ts';

interface Quote {
  readonly offset: number;
  readonly price: number;
}

/** Drawn at once; two minutes. */
const CAPACITY = 240;

/** The median is of so many. */
const LATENCIES = 100;

const dollars = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export class Card {
  readonly #root: HTMLElement;
  readonly #chart: Chart;
  #quotes: readonly Quote[] = [];
  #latenciesMs: readonly number[] = [];
  /** When those that the next frame draws were published; the missed ones are not counted. */
  #toMeasure: number[] = [];
  #isDue = false;

  constructor(symbol: string, place: HTMLElement) {
    const { content } = find('template', HTMLTemplateElement);
    place.append(content.cloneNode(true));
    const [root, svg] = [place.lastElementChild, place.lastElementChild?.querySelector('svg')];
    if (!(root instanceof HTMLElement) || !svg) throw new Error('the page has no template of a card');
    this.#root = root;
    this.#root.dataset.symbol = symbol;
    this.#chart = new Chart(svg);
    this.#set('h2', symbol.toUpperCase().replace('-', ' / '));
  }

  add({ offset, time, data }: Notification, { isMissed }: NotificationContext): void {
    if (typeof data?.price !== 'number') return;
    this.#quotes = [...this.#quotes, { offset, price: data.price }].slice(-CAPACITY);
    // A page in the background is not drawn.
    if (!isMissed && document.visibilityState === 'visible') this.#toMeasure.push(Date.parse(time));
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#isDue = false;
    const [first, last] = [this.#quotes[0], this.#quotes.at(-1)];
    if (first === undefined || last === undefined) return;
    const prices = this.#quotes.map(({ price }) => price);
    const change = last.price - first.price;
    const sign = change < 0 ? '−' : '+';
    const percent = (Math.abs(change) / first.price) * 100;
    this.#chart.draw(prices, first.price);
    this.#set('[data-price]', dollars.format(last.price));
    const changed = this.#set(
      '[data-change]',
      `${sign}${dollars.format(Math.abs(change))} (${sign}${percent.toFixed(2)} %)`,
    );
    changed.dataset.way = change < 0 ? 'down' : 'up';
    const missing = last.offset - first.offset + 1 - this.#quotes.length;
    this.#set('[data-count]', `quotes ${first.offset} to ${last.offset}, ${missing || 'none'} missing`);
    this.#root.dataset.offsets = this.#quotes.map(({ offset }) => offset).join();
    this.#measure();
  }

  /** A message is handled after the frame, when the browser has handed it on to be shown. */
  #measure(): void {
    const publishedMs = this.#toMeasure.splice(0);
    if (publishedMs.length === 0) return;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      const latest = publishedMs.map((time) => Date.now() - time);
      this.#latenciesMs = [...this.#latenciesMs, ...latest].slice(-LATENCIES);
      this.#set('[data-latency]', String(latest.at(-1)));
      const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
      this.#set('[data-median]', String(sorted[Math.floor(sorted.length / 2)]));
      port1.close();
    };
    port2.postMessage(undefined);
  }

  #set(selector: string, text: string): HTMLElement {
    const element = this.#root.querySelector<HTMLElement>(selector);
    if (element === null) throw new Error(`the card has no ${selector}`);
    element.textContent = text;
    return element;
  }
}
