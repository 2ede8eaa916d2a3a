/** What of a notification's data is shown. Data is anybody's: what is no text is not shown as one. */
import type { Notification } from '../../../src/clients/client/connect.ts';

type Texts = Pick<Notification, 'type' | 'data'>;

export function titleOf({ type, data }: Texts): string {
  return textIn(data.title) || type;
}

export function bodyOf({ data }: Texts): string {
  return textIn(data.body);
}

/** Only of http, or within this host: a link may not run a script. */
export function linkOf({ data }: Texts, page: string): string | undefined {
  const url = textIn(data.url);
  if (url === '' || !URL.canParse(url, page)) return undefined;
  return ['http:', 'https:'].includes(new URL(url, page).protocol) ? url : undefined;
}

function textIn(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
