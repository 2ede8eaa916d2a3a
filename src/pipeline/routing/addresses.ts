/** Addresses that a route shows. The parser of WHATWG decides, as in browsers: what it reads as `javascript:` has many spellings. */

/** What relative addresses are relative to is known only in the page. */
const BASE = 'https://base.invalid/';

/** Browsers pass over some of them, and elsewhere they end the address. */
const UNSEEN = /[\s\p{Cc}\p{Cf}]/u;

/** What most are: a path of this host. Nothing else has to be asked of it; parsing takes longer than all else. */
const PLAIN = /^\/(?!\/)[\w./~%?=&#-]*$/;

/** http, https or relative. */
export function isLinkAddress(text: string): boolean {
  return isOf(['https:', 'http:'], text);
}

/** https or relative. */
export function isImageAddress(text: string): boolean {
  return isOf(['https:'], text);
}

function isOf(protocols: readonly string[], text: string): boolean {
  if (PLAIN.test(text)) return true;
  if (text === '' || UNSEEN.test(text) || !URL.canParse(text, BASE)) return false;
  return protocols.includes(new URL(text, BASE).protocol);
}

/**
 * A value as it stands within an address: whole where the address begins with it, else as one part of it. It can neither
 * begin a query nor leave the path; undefined when it would.
 */
export function inAddress(value: string, before: string): string | undefined {
  if (before === '') return value;
  return value === '.' || value === '..' ? undefined : encodeURIComponent(value);
}
