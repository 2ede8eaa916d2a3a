/**
 * The console: its page, and the requests that the page makes. In embedded mode anybody who reaches the port may use
 * it. Otherwise it is on OPS_PORT, and everything but the page and `about` needs a token with the scope that its route
 * names, and is a call by an operator like those of `/admin`.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { isAdminScope, withAdmin } from '../../../contract/admin-scope.ts';
import { type About, aboutSchema, deadLettersCountSchema } from '../../../contract/console.ts';
import type { Identity, Verify } from '../../../contract/token.ts';
import { type AdminCalls, type AdminCallsOptions, guardAdminCalls } from '../admin-calls.ts';
import { bearerOf, tokenIn } from '../bearer.ts';
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
  /** Undefined: no token is needed, and nothing is recorded. */
  readonly guard: AdminCallsOptions | undefined;
  readonly about: () => Omit<About, 'canSign' | 'login' | 'refusal'>;
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

const OPEN: AdminCalls = {
  admission: { admit: async () => undefined, identityOf: () => ANYBODY },
  tellTarget: () => {},
};

/** Of whoever may look at all. Sending and making tokens need more. */
const READING = withAdmin(['admin:read']);

/** How often the token of an open stream is checked, and so how long a stream may outlive it. */
const CHECK_MS = 10_000;

export function serveConsole(app: FastifyInstance, options: ConsoleOptions): void {
  const { guard, about, pagePath, files, events, sign } = options;
  servePage(app, { pagePath, files, gatewayPort: () => about().gatewayPort });
  app
    .withTypeProvider<ZodTypeProvider>()
    .get('/console/about', { schema: { hide: true, response: { 200: aboutSchema } } }, async (request) => ({
      ...about(),
      canSign: sign !== undefined,
      ...(await loginOf(request, guard?.verify)),
    }));
  app.register(async (scope) => {
    const { admission, tellTarget } = guard === undefined ? OPEN : guardAdminCalls(scope, guard);
    serveEvents(scope, events, {
      path: '/console/events',
      admission,
      hide: true,
      adminCall: { action: 'console.send', scopes: ['admin'] },
      onRead: (request, [first]) => {
        if (first !== undefined) tellTarget(request, { event: first.event.id, source: first.event.source });
      },
    });
    serveCheck(scope, options);
    serveTokens(scope, options);
    scope.withTypeProvider<ZodTypeProvider>().get(
      '/console/dead-letters',
      {
        config: {
          adminCall: {
            action: 'console.count',
            scopes: ['admin:read', 'admin:dead-letters'],
            isHarmless: true,
          },
        },
        schema: { hide: true, response: { 200: deadLettersCountSchema } },
      },
      async () => ({ count: (await options.dead()) ?? null }),
    );
    serveLive(scope, {
      ...options,
      checkMs: CHECK_MS,
      stillMay: (request) => stillMay(request, guard?.verify),
    });
  });
}

/** Whose token came with the request: one that the page was given, or that a proxy in front of it adds. */
async function loginOf(
  request: FastifyRequest,
  verify: Verify | undefined,
): Promise<Pick<About, 'login' | 'refusal'>> {
  if (verify === undefined || tokenIn(request) === undefined) return {};
  const bearer = await bearerOf(request, verify, READING);
  return {
    ...(bearer.identity === undefined ? {} : { login: loginFrom(bearer.identity) }),
    ...(bearer.ok ? {} : { refusal: { code: bearer.problem.code, detail: bearer.problem.detail } }),
  };
}

function loginFrom({ user, scopes }: Identity): About['login'] {
  return { user, scopes: scopes.filter(isAdminScope) };
}

/** Whether the token of an admitted request is still valid. If that cannot be checked now, it counts as valid. */
async function stillMay(request: FastifyRequest, verify: Verify | undefined): Promise<boolean> {
  if (verify === undefined) return true;
  const bearer = await bearerOf(request, verify, READING);
  return bearer.ok || bearer.problem.code === 'keys_unavailable';
}
