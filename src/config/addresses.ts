/**
 * Addresses of other services: whether each part of a URL is one that the driver takes for what it is. The drivers are
 * lenient: what they do not understand they leave out, and then a connection leads to another place than was meant.
 *
 * No message repeats a part of the URL: with a character that was not percent-encoded, a password may be anywhere in it.
 */

/** Undefined: nothing is wrong with it. */
export type Fault = string | undefined;

export function faultInJwksUrl(text: string): Fault {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    return 'must be a URL that begins with http:// or https://';
  }
  const { username, password } = new URL(text);
  return username + password === '' ? undefined : 'may hold no user name or password: they would not be sent';
}

/** What is alike for all drivers: host, port, name and password. */
export function faultInPlace({ hostname, port, hash, username, password }: URL, form: string): Fault {
  if (hash !== '') return 'must hold no #; in a password it is written %23';
  if (hostname === '') return `must name a host, as in ${form}`;
  if (port === '0') return 'port 0 is none';
  return isReadable(`${username}${password}`)
    ? undefined
    : 'user name and password must be percent-encoded UTF-8';
}

/** Whether it is percent-encoded UTF-8. */
export function isReadable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return false;
  }
}

/** An `Origin` is compared letter by letter: what a browser never sends would let nobody in. */
export function faultInOrigins(origins: readonly string[]): Fault {
  if (origins.includes('*')) return origins.length === 1 ? undefined : '* is any origin, and stands alone';
  const isOrigin = (text: string) => {
    if (text === 'null') return true;
    if (/^https?:/i.test(text)) return URL.canParse(text) && new URL(text).origin === text;
    // Of an app or an extension: capacitor://localhost.
    return /^[a-z][a-z\d+.-]*:\/\/[^/?#@\s]+$/.test(text);
  };
  const wrong = origins.find((text) => text.includes('*') || !isOrigin(text));
  return wrong === undefined
    ? undefined
    : `must be origins as browsers send them, https://shop.example or http://host:8080, in small letters, without path and without wildcards; not ${JSON.stringify(wrong)}`;
}
