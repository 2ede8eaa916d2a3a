/** The title of a notification: its route's, else what its data says, else its type in words. */
import { pickText } from './languages.ts';
import type { Notification } from './notification.ts';

export interface Title {
  /** Never empty. */
  readonly text: string;
  /** Its BCP 47 tag; undefined when the text names no language. */
  readonly language: string | undefined;
  readonly from: 'route' | 'data' | 'type';
}

/** As much of a notification as its texts are made of. */
export type Shown = Pick<Notification, 'type' | 'display'> & { readonly data?: Notification['data'] };

/** In the first of the languages that there is. */
export function titleOf({ type, data = {}, display = {} }: Shown, languages: readonly string[]): Title {
  const picked = pickText(display.title, languages);
  if (picked !== undefined) return { ...picked, from: 'route' };
  const text = typeof data.title === 'string' ? data.title.trim() : '';
  if (text !== '') return { text, language: undefined, from: 'data' };
  return { text: wordsOf(type), language: undefined, from: 'type' };
}

/** `order.created` and `OrderCreated`: "Order created". Words in capitals stay: `VPN.down`. */
function wordsOf(type: string): string {
  const words = type
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word !== '')
    .map((word) => (/^\p{Lu}+$/u.test(word) ? word : word.toLowerCase()))
    .join(' ');
  return words === '' ? type : words.charAt(0).toUpperCase() + words.slice(1);
}
