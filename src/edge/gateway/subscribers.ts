/**
 * Who is in a feed's room, by the socket's id. It is what a Map is, without one: most feeds are of one user with one
 * device, and a Map takes 200 bytes. There is one as soon as a second subscriber comes.
 */
import type { Subscriber } from './subscriber.ts';

type Entry = readonly [id: string, subscriber: Subscriber];

export class Subscribers {
  /** The only one so far, unless there is {@link #all}. */
  #only: Entry | undefined;
  #all: Map<string, Subscriber> | undefined;

  get size(): number {
    return this.#all?.size ?? (this.#only === undefined ? 0 : 1);
  }

  set(id: string, subscriber: Subscriber): void {
    if (this.#all === undefined && (this.#only === undefined || this.#only[0] === id)) {
      this.#only = [id, subscriber];
      return;
    }
    this.#all ??= new Map(this.#only === undefined ? [] : [this.#only]);
    this.#all.set(id, subscriber);
    this.#only = undefined;
  }

  get(id: string): Subscriber | undefined {
    return this.#only?.[0] === id ? this.#only[1] : this.#all?.get(id);
  }

  has(id: string): boolean {
    return this.get(id) !== undefined;
  }

  delete(id: string): void {
    if (this.#only?.[0] === id) this.#only = undefined;
    this.#all?.delete(id);
  }

  clear(): void {
    this.#only = undefined;
    this.#all?.clear();
  }

  keys(): Iterable<string> {
    return this.#all?.keys() ?? (this.#only === undefined ? [] : [this.#only[0]]);
  }

  values(): Iterable<Subscriber> {
    return this.#all?.values() ?? (this.#only === undefined ? [] : [this.#only[1]]);
  }

  [Symbol.iterator](): Iterator<Entry> {
    const only = this.#only === undefined ? [] : [this.#only];
    return (this.#all ?? only)[Symbol.iterator]();
  }
}
