/** What the page, the shop and the e-mail service call the same. */

export const statuses = ['placed', 'packed', 'shipped', 'delivered', 'cancelled'] as const;
export type Status = (typeof statuses)[number];

export interface Order {
  readonly id: string;
  readonly item: string;
  readonly status: Status;
}

/** An event that the shop has published. */
export interface Published {
  readonly type: string;
  readonly orderId: string;
  readonly atMs: number;
}

/** What the shop answers whatever it is asked. */
export interface ShopState {
  readonly orders: readonly Order[];
  readonly published: readonly Published[];
}

/** The only customer, and whom the e-mail service writes to. */
export const CUSTOMER = 'ada';

export const items = ['Teapot', 'Reading lamp', 'Garden chair'] as const;
