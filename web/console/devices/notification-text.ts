/** What of a notification is shown. Others wrote it: what is no text is not shown as one. */
import { type Notification, type Texts, textsOf } from '../../../src/clients/client/connect.ts';

type Shown = Pick<Notification, 'type' | 'data' | 'display'>;

/** In the console's own language where there is one. */
export function shownOf(notification: Shown): Texts {
  return textsOf(notification, ['en']);
}

/** Only of http, or within this host: a link may not run a script. */
export function linkOf({ url }: Pick<Texts, 'url'>, page: string): string | undefined {
  if (url === undefined || !URL.canParse(url, page)) return undefined;
  return ['http:', 'https:'].includes(new URL(url, page).protocol) ? url : undefined;
}
