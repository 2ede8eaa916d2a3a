/** What of a notification is shown. It was written by others: texts stay texts, and only some addresses are links. */
import type { Notification } from '../client/connect.ts';

export interface Contents {
  readonly title: string;
  readonly body: string;
  /** Where it leads; undefined: nowhere. */
  readonly href: string | undefined;
}

export function contentsOf({ type, data = {} }: Notification): Contents {
  return {
    title: stringOrEmpty(data.title).trim() || type,
    body: stringOrEmpty(data.body),
    href: hrefOf(data.url),
  };
}

/** Events of different sources may share an id. */
export function notificationKeyOf({ source, id }: Notification): string {
  return `${source} ${id}`;
}

function stringOrEmpty(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/**
 * The address if following it opens a page. The browser's own parser decides and its result is used: what it reads
 * as `javascript:` may be written in ways that no pattern finds.
 */
function hrefOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  try {
    const { protocol, href } = new URL(value, document.baseURI);
    return protocol === 'https:' || protocol === 'http:' ? href : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the link leaves the app. */
export function isElsewhere(href: string): boolean {
  return new URL(href).origin !== location.origin;
}
