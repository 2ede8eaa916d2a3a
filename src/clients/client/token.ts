/** Tokens as the client sees them: whose they are, and when to ask for the next. */

declare function atob(text: string): string;
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

/**
 * The user of a JWT, to find the cursors that go into the handshake. Nothing is verified here: the server does, and
 * its `session` has the last word. Undefined for anything else than a JWT.
 */
export function subjectOf(token: string): string | undefined {
  try {
    const [, payload = ''] = token.split('.');
    const latin1 = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(latin1, (byte) => byte.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    // As the server says it in `session`.
    return typeof sub === 'string' ? sub.normalize() : undefined;
  } catch {
    return undefined;
  }
}

const MARGIN_MS = 30_000;
const SOONEST_MS = 1_000;

/**
 * After 80 % of the time that remains, and 30 s before its end at the latest; a token too short for that is renewed
 * at half. Never at once: a `token()` that hands out the old token again would be asked without a pause.
 */
export function refreshDelayMs(remainingMs: number): number {
  const latestMs = Math.max(remainingMs - MARGIN_MS, remainingMs / 2);
  return Math.max(Math.min(remainingMs * 0.8, latestMs), SOONEST_MS);
}
