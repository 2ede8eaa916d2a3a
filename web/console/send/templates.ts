/** Events to start from: one for each kind of audience. */
import type { JsonObject } from '../json-object.ts';

export interface Template {
  readonly name: string;
  /** Without an id: each event gets its own. */
  readonly event: JsonObject;
}

export const FIRST_TEMPLATE: Template = {
  name: 'Order shipped',
  event: {
    specversion: '1.0',
    source: '/orders',
    type: 'order.shipped',
    audience: ['user:ada'],
    severity: 'success',
    data: {
      title: 'Your order has shipped',
      body: 'It arrives tomorrow between 9 and 11.',
      url: '/orders/1001',
    },
  },
};

export const TEMPLATES: readonly Template[] = [
  FIRST_TEMPLATE,
  {
    name: 'Rota published',
    event: {
      specversion: '1.0',
      source: '/rota',
      type: 'rota.published',
      audience: ['department:sales'],
      severity: 'info',
      data: { title: 'The rota for December is out', body: 'Swaps are open until Friday.', url: '/rota/12' },
    },
  },
  {
    name: 'Price tick',
    event: {
      specversion: '1.0',
      source: '/ticker',
      type: 'ticker.price',
      audience: ['topic:ticker.btc-usd'],
      severity: 'info',
      collapsekey: 'btc-usd',
      data: { title: 'BTC 67,120 USD', body: '0.8 % up since midnight', price: 67_120 },
    },
  },
  {
    name: 'Announcement',
    event: {
      specversion: '1.0',
      source: '/operations',
      type: 'system.announcement',
      audience: ['global'],
      severity: 'warning',
      data: { title: 'Maintenance tonight at ten', body: 'Everything is back within five minutes.' },
    },
  },
  {
    name: 'Critical alert',
    event: {
      specversion: '1.0',
      source: '/monitoring',
      type: 'alert.raised',
      audience: ['department:engineering'],
      severity: 'critical',
      data: {
        title: 'Payments are failing',
        body: 'One in eight has failed since 14:03.',
        url: '/alerts/payments',
      },
    },
  },
];
