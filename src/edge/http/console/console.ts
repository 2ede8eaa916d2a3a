/**
 * The console: its page, and the requests that the page makes. In embedded mode anybody who reaches the port may use
 * it. Otherwise it is on OPS_PORT, and everything but the page and `about` needs a token with the scope `admin`.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { type About, aboutSchema, deadLettersCountSchema } from '../../../contract/console.ts';
import type { Identity, Verify } from '../../../contract/token.ts';
import { admission, type BearerCheck, bearerOf } from '../bearer.ts';
import { serveEvents } from '../events.ts';
import { type CheckOptions, serveCheck } from './check.ts';
import { type LiveOptions, serveLive } from './live.ts';
import { type PageOptions, servePage } from './page.ts';
import { serveTokens, type TokensOptions } from './tokens.ts';

export interface ConsoleOptions
  extends CheckOptions,
    TokensOptions,
    Pick<LiveOptions, 'activity' | 'closing'>,
    Pick<PageOptions, 'pagePath' | 'files'> {
  /** Undefined: no token is needed. */
  readonly verify: Verify | undefined;
  readonly about: () => Omit<About, 'canSign'>;
  /** The number of dead letters; undefined when it is not known. MUST be cheap. */
  readonly dead: () => Promise<number | undefined>;
}

/** The identity of all who ask where no token is needed. */
const ANYBODY: Identity = {
  user: 'console',
  departments: [],
  topics: [],
  publish: [],
  scopes: [],
  audiences: undefined,
  issuedAtMs: Number.NEGATIVE_INFINITY,
  expiresAtMs: Number.POSITIVE_INFINITY,
};

const OPEN: BearerCheck = { admit: async () => undefined, identityOf: () => ANYBODY };

const SCOPE = 'admin';

/** How often the token of an open stream is checked, and so how long a stream may outlive it. */
const CHECK_MS = 10_000;

export function serveConsole(app: FastifyInstance, options: ConsoleOptions): void {
  const { verify, about, pagePath, files, events, sign } = options;
  servePage(app, { pagePath, files, gatewayPort: () => about().gatewayPort });
  app
    .withTypeProvider<ZodTypeProvider>()
    .get('/console/about', { schema: { hide: true, response: { 200: aboutSchema } } }, async () => ({
      ...about(),
      canSign: sign !== undefined,
    }));
  const admitted = verify === undefined ? OPEN : admission(verify, SCOPE);
  serveEvents(app, events, { path: '/console/events', admission: admitted, hide: true });
  serveCheck(app, options, admitted);
  app.register(async (scope) => {
    scope.addHook('onRequest', admitted.admit);
    serveTokens(scope, options);
    scope
      .withTypeProvider<ZodTypeProvider>()
      .get(
        '/console/dead-letters',
        { schema: { hide: true, response: { 200: deadLettersCountSchema } } },
        async () => ({ count: (await options.dead()) ?? null }),
      );
    serveLive(scope, { ...options, checkMs: CHECK_MS, stillMay: (request) => stillMay(request, verify) });
  });
}

/** Whether the token of an admitted request is still valid. If that cannot be checked now, it counts as valid. */
async function stillMay(request: FastifyRequest, verify: Verify | undefined): Promise<boolean> {
  if (verify === undefined) return true;
  const bearer = await bearerOf(request, verify, SCOPE);
  return bearer.ok || bearer.problem.code === 'keys_unavailable';
}
