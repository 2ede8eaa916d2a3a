/** What of a notification is shown: its route's display, else what its data says, else its type in words. */
import { pickText } from '../../contract/languages.ts';
import type { Notification } from './notification.ts';

export interface Texts {
  /** Never empty. */
  readonly title: string;
  /** The title's language as a BCP 47 tag; undefined when it is not known. */
  readonly titleLanguage: string | undefined;
  /** Empty when there is none. */
  readonly body: string;
  readonly bodyLanguage: string | undefined;
  /** As the route or the producer wrote it: whoever follows one of a producer's MUST look at its scheme before. */
  readonly url: string | undefined;
  /** Of https or relative: only routes give one. */
  readonly image: string | undefined;
}

/** As much of a notification as texts are made of. */
export type Shown = Pick<Notification, 'type' | 'display'> & { readonly data?: Notification['data'] };

/** In the first of the languages that there is, for each text. */
export function textsIn({ type, data = {}, display = {} }: Shown, languages: readonly string[]): Texts {
  const title = pickText(display.title, languages);
  const body = pickText(display.body, languages);
  return {
    title: title?.text ?? (stringOrEmpty(data.title).trim() || wordsOf(type)),
    titleLanguage: title?.language,
    body: body?.text ?? stringOrEmpty(data.body),
    bodyLanguage: body?.language,
    url: display.url ?? (stringOrEmpty(data.url) || undefined),
    image: display.image,
  };
}

function stringOrEmpty(value: unknown): string {
  return typeof value === 'string' ? value : '';
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
