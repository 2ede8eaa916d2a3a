/**
 * Guards calls against pages of other sites. A proxy that logs people in adds their token to whatever their browser
 * sends, also to what a foreign page makes it send: then the token alone does not say that they meant it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type Problem, problem } from '../../contract/problem.ts';

/**
 * Browsers say by themselves where a request comes from, and no page can change that: `Sec-Fetch-Site` (over https and
 * to this machine), and `Origin` of everything that is more than a link or a picture. Programs send neither.
 */
export function refusalOfForeignPage(headers: IncomingHttpHeaders): Problem | undefined {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (site !== undefined) {
    // `same-site` is another host of the same domain, which may be anybody's. `none`: the address was typed in.
    if (site === 'same-origin' || site === 'none') return undefined;
    return foreign(`the page that asks is of another origin (Sec-Fetch-Site: ${site})`);
  }
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return undefined;
  return foreign(`the page that asks is of ${origin}, and not of ${host}: a proxy must pass Host on`);
}

function foreign(detail: string): Problem {
  return problem('origin', 403, detail);
}
