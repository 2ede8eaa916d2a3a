/** The doctor's checks of what tokens are verified with: the secrets in JWT_SECRET, and the keys at JWKS_URL. */
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { partsOf } from '../config/token-secrets.ts';
import { PUBLIC_KEY_ALGORITHMS } from '../operate/access/tokens.ts';
import { tlsFaultIn } from './doctor-certificates.ts';
import type { Finding } from './finding.ts';
import { fetchReasonOf, jsonIn } from './web.ts';

/** As long as a gateway waits. */
const ANSWER_MS = 3_000;

const keySchema = z.looseObject({
  kty: z.string().optional(),
  crv: z.string().optional(),
  alg: z.string().optional(),
  use: z.string().optional(),
  key_ops: z.array(z.string()).optional(),
});

const keysSchema = z.looseObject({ keys: z.array(keySchema) });

/** What OpenID Connect has beside the keys, at `/.well-known/openid-configuration`. */
const discoverySchema = z.looseObject({ jwks_uri: z.url() });

/** `text`: JWT_SECRET as it was given. */
export async function* examineTokens(
  { backends, tokenKeys: { secrets, jwksUrl } }: Config,
  text: string | undefined,
): AsyncGenerator<Finding> {
  if (backends !== undefined && text) yield secretsOf(text, secrets);
  if (jwksUrl !== undefined) yield await keysAt(jwksUrl);
}

/** No message repeats a part of a secret. */
function secretsOf(text: string, secrets: Config['tokenKeys']['secrets']): Finding {
  const check = 'token secrets';
  if (/^\s|\s$/.test(text)) {
    const found = 'JWT_SECRET begins or ends with white space, which is part of the secret';
    const change =
      'take it away, unless whoever signs tokens has it too: files and echo end with a line feed';
    return { check, verdict: 'advice', found, change };
  }
  const count = partsOf(text).length;
  if (count === 1 && text.includes(',')) {
    const found =
      'JWT_SECRET has a comma and is one secret all the same: not each part of it has 32 characters';
    const change =
      'give each secret at least 32 characters: openssl rand -hex 32; or leave it, if it is meant to be one';
    return { check, verdict: 'advice', found, change };
  }
  const named = secrets.filter(({ kid }) => kid !== undefined).map(({ kid }) => kid);
  const names = named.length === 0 ? '' : `, with the kid ${named.join(', ')}`;
  const found = `${count} in JWT_SECRET${names}; the first one signs`;
  return { check, verdict: 'ok', found };
}

async function keysAt(url: string): Promise<Finding> {
  const check = 'token keys';
  const wrong = (found: string, change: string): Finding => ({
    check,
    verdict: 'wrong',
    found: `JWKS_URL ${found}`,
    change: `${change}; a gateway that has never had keys lets nobody in`,
  });
  try {
    // Like the process, this follows no redirect.
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) });
    const text = await response.text();
    if (response.status >= 300 && response.status < 400)
      return wrong(
        `answers ${response.status}, a redirect, and none is followed`,
        'set it to where the redirect leads',
      );
    if (response.status !== 200)
      return wrong(
        `answers ${response.status}`,
        'set it to the key set of the identity provider, its jwks_uri',
      );
    const body = jsonIn(text);
    const discovery = discoverySchema.safeParse(body);
    if (discovery.success)
      return wrong(
        'is the configuration of the provider and not its keys',
        `set JWKS_URL=${discovery.data.jwks_uri}`,
      );
    const set = keysSchema.safeParse(body);
    if (!set.success) {
      const kind =
        body === undefined
          ? `no JSON (${response.headers.get('content-type') ?? 'no content-type'})`
          : 'JSON';
      return wrong(
        `answers ${kind} and no set of keys`,
        'set it to the key set of the identity provider, its jwks_uri, and not to a page',
      );
    }
    const { keys } = set.data;
    if (keys.length === 0)
      return wrong(
        'answers an empty set of keys, which counts as none',
        'have the provider publish its keys',
      );
    const usable = keys.filter(verifiesTokens);
    if (usable.length === 0)
      return wrong(
        `has ${keys.length} key(s), and none verifies tokens of ${PUBLIC_KEY_ALGORITHMS.join(', ')}`,
        'have the provider sign tokens with one of these',
      );
    const others = keys.length - usable.length;
    const found = `${usable.length} at JWKS_URL${others === 0 ? '' : `, and ${others} of a kind that is not used`}`;
    return { check, verdict: 'ok', found };
  } catch (error) {
    const reason = fetchReasonOf(error);
    return wrong(`does not answer: ${reason}`, changeFor(reason));
  }
}

/** As the process chooses a key for a token: by its kind, and by what the key itself says that it is for. */
function verifiesTokens({ kty, crv, alg, use, key_ops }: z.infer<typeof keySchema>): boolean {
  if (use !== undefined && use !== 'sig') return false;
  if (key_ops !== undefined && !key_ops.includes('verify')) return false;
  if (alg !== undefined) return PUBLIC_KEY_ALGORITHMS.includes(alg);
  if (kty === 'RSA') return true;
  if (kty === 'EC') return crv === 'P-256' || crv === 'P-384';
  return kty === 'OKP' && crv === 'Ed25519';
}

function changeFor(reason: string): string {
  switch (tlsFaultIn(reason)) {
    case 'expired':
      return 'have its certificate renewed, and look at the clocks';
    case 'another host':
      return 'use a host name that its certificate has';
    case 'unknown authority':
      return 'let the process trust its authority: NODE_EXTRA_CA_CERTS=<PEM file>';
    case 'no TLS':
      return 'write http:// where no TLS is spoken';
    default:
      return /ENOTFOUND|EAI_AGAIN/.test(reason)
        ? 'correct the host in JWKS_URL, or the DNS of this machine'
        : 'correct JWKS_URL, or let this machine reach it: proxies, firewalls';
  }
}
