/**
 * How many are unseen and unread. What is held here is counted here, so that list and badge agree; of the rest the
 * server says how many there are, as of certain places in the logs and a version of the marks.
 *
 * The rest is what the server counted less what is held here up to those places. What comes behind them is on top of it.
 * What comes late was counted already, and is taken from the rest, unless another copy of its event has been: that one
 * may have been replaced since by something that is not counted yet.
 */
import type { Counted, Counts } from '../../contract/inbox.ts';
import { CAP, countsOf, type Item, placeOf } from './inbox-items.ts';

/** As a server says it; those of before send counts without what they are true of. */
export type ServerCounts = Partial<Counted>;

export type Places = Readonly<Record<string, number>>;

export class InboxCounts {
  #server: ServerCounts = {};
  #heads: Places = {};
  /** What is or was held here of what is counted, by place, as it was counted. */
  #here: ReadonlyMap<string, Item> = new Map();
  /** Negative: what is held here is not as it was counted. */
  #rest: Counts = { unseen: 0, unread: 0 };
  /** All that is listed is held here. */
  isWhole = false;

  get rest(): Counts {
    return this.#rest;
  }

  /** Up to where the server has counted. */
  get heads(): Places {
    return this.#heads;
  }

  /** When what is counted and not held here may be less. */
  get until(): number {
    return this.hasRest ? (this.#server.until ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  }

  get hasRest(): boolean {
    return this.#rest.unseen > 0 || this.#rest.unread > 0 || (this.isCapped && !this.isWhole);
  }

  get isCapped(): boolean {
    return this.#server.unseen === CAP || this.#server.unread === CAP;
  }

  tell(server: ServerCounts, heads: Places, items: readonly Item[]): void {
    this.#server = server;
    this.#heads = heads;
    this.#here = this.#countedIn(items);
    this.#recount();
  }

  /** What was counted had a change that comes only now. */
  change(become: (item: Item) => Item): void {
    this.#here = new Map([...this.#here].map(([place, item]) => [place, become(item)]));
    this.#recount();
  }

  /** Something came late, or a page: what is held here is another part of what the server counted. */
  arrived(before: readonly Item[], after: readonly Item[]): void {
    const [old, now] = [this.#countedIn(before), this.#countedIn(after)];
    const left = [...this.#here].filter(([place]) => !old.has(place) || now.has(place));
    this.#here = new Map([...left, ...now]);
    this.#recount();
  }

  /** Something has left: one less may be as many. There are 100 or more, or what is held here is not as it was counted. */
  isUncertain(before: readonly Item[], after: readonly Item[]): boolean {
    const [old, now, rest] = [countsOf(before), countsOf(after), this.#rest];
    if (!this.isCapped && rest.unseen >= 0 && rest.unread >= 0) return false;
    const isLess = (what: keyof Counts) => now[what] < old[what] && now[what] + rest[what] < CAP;
    return isLess('unseen') || isLess('unread');
  }

  isCounted(audience: string, offset: number): boolean {
    return offset <= (this.#heads[audience] ?? 0);
  }

  /** Whether something that was counted may have fallen out of its log when this came. */
  isSpent(audience: string, offset: number): boolean {
    const { spare = Number.POSITIVE_INFINITY } = this.#server;
    return this.hasRest && offset - (this.#heads[audience] ?? 0) > spare;
  }

  #recount(): void {
    const here = countsOf([...this.#here.values()]);
    this.#rest = { unseen: this.#restOf('unseen', here), unread: this.#restOf('unread', here) };
  }

  #restOf(what: keyof Counts, here: Counts): number {
    const counted = this.#server[what] ?? 0;
    if (counted < CAP) return counted - here[what];
    // At least: of 100 or more nobody knows how many are elsewhere. Not even the whole list has an event's other copies.
    return Math.max(0, counted - here[what]);
  }

  #countedIn(items: readonly Item[]): ReadonlyMap<string, Item> {
    const counted = items.filter(({ shown }) => this.isCounted(shown.audience, shown.offset));
    return new Map(counted.map((item) => [placeOf(item.shown), item]));
  }
}
