/**
 * Events whose data is JSON of a given size, like a shop's notifications, and differs from event to event. The
 * generator's seed is fixed, so that every server gets the same events.
 */
import type { Audience } from '../../src/contract/audience.ts';
import type { Event } from '../../src/contract/event.ts';

const SOURCE = '/shop/orders';
const TYPE = 'order.shipped';
const EPOCH_MS = Date.UTC(2026, 10, 20, 9);

const NAMES =
  'Amelie Brandt,Jonas Keller,Mara Lindqvist,Tobias Vogel,Ines Moreau,Pavel Novak,Greta Holm,Luca Rossi,Nora Fischer,Emil Berg'.split(
    ',',
  );
const CITIES = 'Hamburg,Lyon,Graz,Turin,Aarhus,Ghent,Porto,Brno,Basel,Utrecht'.split(',');
const GOODS =
  'trail shoes,rain jacket,desk lamp,coffee grinder,bike light,wool blanket,water bottle,headphones,notebook,garden hose'.split(
    ',',
  );
const WORDS =
  'your parcel has left our warehouse and will be with you between noon and five please have an identity card at hand when nobody is home the driver leaves it with a neighbour or at the nearest shop where it stays for seven days you can change the place or the day until this evening in the app under orders returns are free for thirty days questions are answered around the clock'.split(
    ' ',
  );

export type MadeEvent = Event & { readonly audience: Audience[]; readonly data: { readonly title: string } };

export class Payloads {
  readonly #dataBytes: number;
  #state = 0x2545f491;
  #made = 0;

  constructor(dataBytes: number) {
    this.#dataBytes = dataBytes;
  }

  next(audience: Audience): MadeEvent {
    this.#made += 1;
    const id = `${this.#hex()}-${this.#hex()}-${String(this.#made).padStart(8, '0')}`;
    const time = new Date(EPOCH_MS + this.#made * 137).toISOString();
    return {
      specversion: '1.0',
      id,
      source: SOURCE,
      type: TYPE,
      time,
      audience: [audience],
      data: this.#data(),
    };
  }

  #data() {
    const order = `A-${this.#below(9_000_000) + 1_000_000}`;
    const data = {
      title: `Order ${order} is on its way to ${this.#pick(CITIES)}`,
      url: `/orders/${order}?ref=${this.#hex()}`,
      customer: this.#pick(NAMES),
      total: { amount: this.#amount(), currency: 'EUR' },
      items: [this.#item()],
      body: '',
    };
    let missing = this.#dataBytes - JSON.stringify(data).length;
    // A large notification has many items, and a text of the usual length.
    while (missing > 600) {
      const item = this.#item();
      data.items.push(item);
      missing -= JSON.stringify(item).length + 1;
    }
    let body = `Hello ${data.customer},`;
    while (body.length < missing) body += ` ${this.#pick(WORDS)}`;
    return { ...data, body: body.slice(0, Math.max(missing, 0)) };
  }

  #item() {
    return {
      sku: `${this.#hex().slice(0, 6)}-${this.#below(900) + 100}`,
      name: this.#pick(GOODS),
      quantity: 1 + this.#below(4),
      price: this.#amount(),
    };
  }

  #amount(): number {
    return (500 + this.#below(90_000)) / 100;
  }

  #hex(): string {
    return Math.floor(this.#random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  }

  #pick(from: readonly string[]): string {
    return from[this.#below(from.length)] ?? '';
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** Marsaglia's xorshift: good enough for texts, and the same on every machine. */
  #random(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state / 2 ** 32;
  }
}
