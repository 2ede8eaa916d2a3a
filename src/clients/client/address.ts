/**
 * Where the service is, from the URL that an app gives. Not with the global URL: React Native's can parse next to
 * nothing.
 */
import { CarillonError } from './errors.ts';

export interface Address {
  /** What Socket.IO's client connects to. It would take a path for the name of a namespace. */
  readonly server: string;
  /** Of Socket.IO behind the path under which a proxy offers the service. */
  readonly path: string;
}

const ABSOLUTE = /^(?:(?:https?|wss?):)?\/\/(?:\[[\da-f:.]+\]|[^\s/?#@:[\]]+)(?::(\d{1,5}))?(?=[/?]|$)/i;
const REST = /^(\/[^\s?#]*)?(\?[^\s#]*)?$/;
const MAX_PORT = 65_535;

/** `page`: the origin of the page, to which what names no host belongs; undefined where there is no page. */
export function addressOf(url: string, page: string | undefined): Address {
  // As Socket.IO's client reads it: a host alone is meant as the page is, or with TLS.
  const isHost = /^[^\s/?#:]+(:\d+)?([/?]|$)/.test(url) && !url.includes('://');
  const whole = isHost ? `//${url}` : url;
  const [named, port] = ABSOLUTE.exec(whole) ?? [];
  const server = named ?? page;
  const rest = REST.exec(whole.slice(named?.length ?? 0));
  if (server === undefined || rest === null || Number(port ?? 0) > MAX_PORT) {
    throw new CarillonError(
      'invalid_url',
      `the url ${JSON.stringify(url)} is none that can be connected to: it must be like https://notify.example.com or https://example.com/notify`,
    );
  }
  const [, path = '', query = ''] = rest;
  const scheme = server.startsWith('//') ? (/^https?:/.exec(page ?? '')?.[0] ?? 'https:') : '';
  return { server: scheme + server + query, path: `${path.replace(/\/+$/, '')}/socket.io` };
}
