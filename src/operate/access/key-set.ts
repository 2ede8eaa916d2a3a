/**
 * The identity provider's public keys (JWKS), fetched again and again. While it cannot be reached the last ones are
 * used, however old: that it is away must log nobody out.
 */
import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWTHeaderParameters,
} from 'jose';
import type { Logger } from 'pino';

/** A key that the provider has taken back is believed for so long, when the provider can be reached. */
const REFRESH_MS = 600_000;
/** From the beginning of a fetch to that of the next, whatever asks for it: also a flood of made-up key ids. */
const COOLDOWN_MS = 5_000;
/** Handshakes may wait for a fetch, so it MUST end well before HANDSHAKE_SECONDS' default. */
const DEADLINE_MS = 3_000;

/** Whether the token is valid cannot be said before the provider has been reached. */
export class KeysUnavailable extends Error {}

export interface KeySetOptions {
  readonly url: string;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

type Find = ReturnType<typeof createLocalJWKSet>;

export class KeySet {
  readonly #options: KeySetOptions;
  #find: Find | undefined;
  #keys = '';
  #version = 0;
  #isAway = false;
  #fetching: Promise<void> | undefined;
  #beganMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** Of the present fetch. */
  #abort = new AbortController();
  #isClosed = false;

  /** Fetches at once, and from then on by itself until {@link close}. */
  constructor(options: KeySetOptions) {
    this.#options = options;
    void this.#fetch();
  }

  /** Whether there are keys at all. */
  get isFilled(): boolean {
    return this.#find !== undefined;
  }

  /** Another one when the provider's keys have changed: a token may be of a key that was taken back. */
  get version(): number {
    return this.#version;
  }

  /**
   * The key that a token says it was signed with. One that is not known may be new, so the provider is asked.
   * @throws {KeysUnavailable} when it cannot be asked
   */
  async find(header?: JWTHeaderParameters, token?: FlattenedJWSInput): ReturnType<Find> {
    try {
      if (this.#find !== undefined) return await this.#find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await this.#fetchUnlessJustDone();
    if (this.#find === undefined) throw new KeysUnavailable('there were no keys yet');
    try {
      return await this.#find(header, token);
    } catch (error) {
      if (this.#isAway && error instanceof errors.JWKSNoMatchingKey) {
        throw new KeysUnavailable('the key is not known, and the provider is away');
      }
      throw error;
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  async #fetchUnlessJustDone(): Promise<void> {
    if (this.#fetching === undefined && performance.now() - this.#beganMs < COOLDOWN_MS) return;
    await this.#fetch();
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#renew().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #renew(): Promise<void> {
    const { url, log } = this.#options;
    this.#beganMs = performance.now();
    clearTimeout(this.#timer);
    // Not AbortSignal.timeout() within AbortSignal.any(): on Node 20 that may be collected before it has fired.
    const abort = new AbortController();
    this.#abort = abort;
    const late = new NoKeys(`no answer within ${DEADLINE_MS} ms`);
    const deadline = setTimeout(() => abort.abort(late), DEADLINE_MS);
    try {
      const fetched = await fetchKeys(url, abort.signal);
      this.#find = createLocalJWKSet(fetched);
      const keys = JSON.stringify(fetched);
      if (keys !== this.#keys) this.#version += 1;
      this.#keys = keys;
      if (this.#isAway) log.info('token keys are fetched again');
      this.#isAway = false;
    } catch (error) {
      if (this.#isClosed) return;
      // `fetch` and jose fail with errors of any kind over what another service answers, and the last keys stay in use.
      // It tries every few seconds: one line for each outage will do.
      if (!this.#isAway) {
        log.warn({ reason: fetchFailureOf(error), inUse: this.isFilled }, 'token keys cannot be fetched');
      }
      this.#isAway = true;
    } finally {
      clearTimeout(deadline);
    }
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#fetch(), this.#isAway ? COOLDOWN_MS : REFRESH_MS).unref();
  }
}

async function fetchKeys(url: string, signal: AbortSignal): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    // Another place than the one that was configured is not to be trusted with who gets in.
    redirect: 'error',
    signal,
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new NoKeys(`status ${response.status}`);
  }
  const body: unknown = await response.json();
  if (!isKeySet(body)) throw new NoKeys('the answer holds no keys');
  return body;
}

/** There is no answer, or it is no key set. An empty one is none either: it would log everybody out. */
class NoKeys extends Error {}

function isKeySet(body: unknown): body is JSONWebKeySet {
  if (typeof body !== 'object' || body === null || !('keys' in body)) return false;
  return Array.isArray(body.keys) && body.keys.length > 0;
}

/** For the log. Only our own messages are shown: those of `fetch` may repeat the URL, and with it a secret. */
function fetchFailureOf(error: unknown): string {
  if (error instanceof NoKeys) return error.message;
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
