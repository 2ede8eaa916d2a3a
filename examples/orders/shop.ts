/**
 * The shop's service: what becomes of each order, as events. It names no audience, writes no text for people and knows of
 * no inbox, bell or e-mail: routes.yaml says whom each event is for, and in which words.
 */
import { z } from 'zod';
import type { Story } from '../support/story.ts';
import {
  CUSTOMER,
  items,
  type Order,
  type Published,
  type ShopState,
  type Status,
  statuses,
} from './orders.ts';

interface Entry {
  readonly id: string;
  readonly item: string;
  /** What was said of it and not taken back, in order. */
  readonly history: readonly Status[];
  /** Of the last event. */
  readonly eventId: string;
}

const placeSchema = z.object({ item: z.enum(items) });
const orderSchema = z.object({ id: z.string() });
const statusSchema = z.object({ id: z.string(), status: z.enum(statuses) });

export class Shop {
  readonly #publish: Story['publish'];
  readonly #entries = new Map<string, Entry>();
  readonly #published: Published[] = [];
  #lastNumber = 1000;

  constructor(publish: Story['publish']) {
    this.#publish = publish;
  }

  get state(): ShopState {
    const orders: Order[] = [...this.#entries.values()].map(({ id, item, history }) => ({
      id,
      item,
      status: history.at(-1) ?? 'placed',
    }));
    return { orders, published: this.#published };
  }

  async place(body: unknown): Promise<ShopState> {
    const { item } = placeSchema.parse(body);
    this.#lastNumber += 1;
    return await this.#tell(String(this.#lastNumber), item, ['placed']);
  }

  async set(body: unknown): Promise<ShopState> {
    const { id, status } = statusSchema.parse(body);
    const { item, history } = this.#entryOf(id);
    return await this.#tell(id, item, [...history, status]);
  }

  /** The same once more, as after a second scan of the parcel. */
  async repeat(body: unknown): Promise<ShopState> {
    const { id, item, history } = this.#entryOf(orderSchema.parse(body).id);
    return await this.#tell(id, item, history);
  }

  /** The last notification was wrong. It has replaced the one before, if there was one: that one is told again. */
  async takeBack(body: unknown): Promise<ShopState> {
    const { id, item, history, eventId } = this.#entryOf(orderSchema.parse(body).id);
    await this.#send('carillon.retract', id, { data: { id: eventId, customerId: CUSTOMER } });
    this.#entries.delete(id);
    return history.length > 1 ? await this.#tell(id, item, history.slice(0, -1)) : this.state;
  }

  async #tell(id: string, item: string, history: readonly Status[]): Promise<ShopState> {
    const status = history.at(-1) ?? 'placed';
    const eventId = await this.#send(`order.${status}`, id, {
      // Of all that is said of one order the inbox shows the newest.
      collapsekey: `order-${id}`,
      data: { orderId: id, customerId: CUSTOMER, item },
    });
    this.#entries.set(id, { id, item, history, eventId });
    return this.state;
  }

  async #send(
    type: string,
    orderId: string,
    event: { readonly data: Record<string, unknown>; readonly [attribute: string]: unknown },
  ): Promise<string> {
    const id = await this.#publish({ type, ...event });
    this.#published.push({ type, orderId, atMs: Date.now() });
    return id;
  }

  #entryOf(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`there is no order ${id}`);
    return entry;
  }
}
