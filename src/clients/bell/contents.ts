/** What of a notification is shown. It was written by others: texts stay texts, and only some addresses are links. */
import { type Notification, type Texts, textsOf } from '../client/connect.ts';

export interface Contents extends Pick<Texts, 'title' | 'titleLanguage' | 'body' | 'bodyLanguage'> {
  /** Where it leads; undefined: nowhere. */
  readonly href: string | undefined;
  /** Undefined: there is none. */
  readonly image: string | undefined;
}

/** In the first of the `languages` that there is. */
export function contentsOf(notification: Notification, languages: readonly string[]): Contents {
  const texts = textsOf(notification, languages);
  const { href } = addressOf(texts.url) ?? {};
  return { ...texts, href, image: imageOf(texts.image) };
}

/** Events of different sources may share an id. */
export function notificationKeyOf({ source, id }: Notification): string {
  return `${source} ${id}`;
}

/**
 * The address if following it opens a page. The browser's own parser decides and its result is used: what it reads
 * as `javascript:` may be written in ways that no pattern finds.
 */
function addressOf(text: string | undefined): URL | undefined {
  if (text === undefined || !URL.canParse(text, document.baseURI)) return undefined;
  const url = new URL(text, document.baseURI);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
}

/** Nothing in the clear, except beside a page that is. */
function imageOf(text: string | undefined): string | undefined {
  const url = addressOf(text);
  return url?.protocol === 'https:' || url?.origin === location.origin ? url?.href : undefined;
}

/** Whether the link leaves the app. */
export function isElsewhere(href: string): boolean {
  return new URL(href).origin !== location.origin;
}
