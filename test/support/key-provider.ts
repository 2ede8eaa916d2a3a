/** An identity provider as a separate server. It publishes keys, signs tokens with them, and may go away. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { freePort } from './ports.ts';

export type Algorithm = 'RS256' | 'ES256' | 'EdDSA';

interface Key {
  readonly alg: Algorithm;
  readonly pair: Awaited<ReturnType<typeof generateKeyPair>>;
  readonly isPublished: boolean;
}

export class KeyProvider {
  readonly url: string;
  /** How many requests the provider got. */
  fetches = 0;
  readonly #port: number;
  readonly #keys = new Map<string, Key>();
  #isSilent = false;
  #server: Server | undefined;

  private constructor(port: number) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}/keys`;
  }

  /** Does not listen yet: call `start`. */
  static async create(): Promise<KeyProvider> {
    return new KeyProvider(await freePort());
  }

  /** With `isPublished` false, the provider does not publish the key. */
  async addKey(kid: string, alg: Algorithm, isPublished = true): Promise<void> {
    this.#keys.set(kid, { alg, pair: await generateKeyPair(alg), isPublished });
  }

  async tokenOf(kid: string, user: string, claims: Record<string, unknown> = {}): Promise<string> {
    const nowSeconds = Math.floor(Date.now() / 1_000);
    return await this.sign(kid, { sub: user, iat: nowSeconds, exp: nowSeconds + 600, ...claims });
  }

  /** Signs exactly these claims. `header`: more fields for the token's header. */
  async sign(
    kid: string,
    claims: Record<string, unknown>,
    header: Record<string, unknown> = {},
  ): Promise<string> {
    const key = this.#keys.get(kid);
    if (key === undefined) throw new Error(`there is no key ${kid}`);
    return await new SignJWT(claims)
      .setProtectedHeader({ ...header, alg: key.alg, kid })
      .sign(key.pair.privateKey);
  }

  /** With `isSilent`, the server accepts connections and never answers. */
  async start(isSilent = false): Promise<void> {
    this.#isSilent = isSilent;
    this.#server = createServer(async (_request, response) => {
      this.fetches += 1;
      if (this.#isSilent) return;
      const published = [...this.#keys].filter(([, { isPublished }]) => isPublished);
      const keys = published.map(async ([kid, { pair }]) => ({ ...(await exportJWK(pair.publicKey)), kid }));
      response.end(JSON.stringify({ keys: await Promise.all(keys) }));
    });
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening');
  }

  /** Also ends requests that are under way. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
}
