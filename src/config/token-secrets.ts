/**
 * The secrets in JWT_SECRET: `new,old`, and where tokens say which one they are of, `kid:secret`. The first one signs what
 * Carillon signs itself; all verify, so that a secret can be replaced while old tokens are about.
 *
 * A secret of earlier versions may hold a comma or a colon. So what it was then, the whole text, goes on counting.
 */

export interface Secret {
  /** The `kid` in the header of its tokens; undefined: they have none. */
  readonly kid?: string | undefined;
  readonly secret: string;
}

const MIN_CHARACTERS = 32;

/** Each is tried on a token that names none of them. */
const MAX_SECRETS = 5;

const WITH_KID = /^([\w.-]{1,64}):(.+)$/s;

/** What is wrong with JWT_SECRET; undefined when nothing is. */
export function faultInSecrets(text: string): string | undefined {
  if (text.length < MIN_CHARACTERS) return `must have at least ${MIN_CHARACTERS} characters`;
  const count = partsOf(text).length;
  return count > MAX_SECRETS ? `must be at most ${MAX_SECRETS} secrets, with commas between them` : undefined;
}

/** The first is the one to sign with. */
export function secretsIn(text: string): readonly [Secret, ...Secret[]] {
  const [first = { secret: text }, ...others] = partsOf(text).map(secretOf);
  const known = new Set([first, ...others].map(({ secret }) => secret));
  const wholes = new Set([text, ...partsOf(text)].filter((whole) => !known.has(whole)));
  return [first, ...others, ...Array.from(wholes, (secret) => ({ secret }))];
}

/** The secrets as they are written. One, the whole text, unless each part could be a secret. */
export function partsOf(text: string): readonly string[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts.every((part) => secretOf(part).secret.length >= MIN_CHARACTERS) ? parts : [text];
}

function secretOf(part: string): Secret {
  const [, kid, secret = ''] = WITH_KID.exec(part) ?? [];
  return kid === undefined || secret.length < MIN_CHARACTERS ? { secret: part } : { kid, secret };
}
