/** This process's console: on PORT in embedded mode, on OPS_PORT with CONSOLE=true, otherwise nowhere. */
import type { FastifyInstance } from 'fastify';
import { claimNamesOf } from '../config/token-variables.ts';
import { namedAs } from '../contract/claim-names.ts';
import type { AdminCallsOptions } from '../edge/http/admin-calls.ts';
import type { CheckOptions } from '../edge/http/console/check.ts';
import { serveConsole } from '../edge/http/console/console.ts';
import type { Sign } from '../edge/http/console/tokens.ts';
import type { Activity } from '../observe/activity/activity.ts';
import { signToken } from '../operate/access/tokens.ts';
import type { Exposure } from './backends.ts';
import { type Context, ownVersion } from './context.ts';

/** The folder with the built console. The path is right from the sources and from the bundle. */
const FILES = new URL('../../dist/console/', import.meta.url);

export interface ConsoleParts {
  readonly exposure: Pick<Exposure, 'mode' | 'console'>;
  /** Undefined when there is no console. */
  readonly activity: Activity | undefined;
  readonly publishing: CheckOptions;
  readonly guard: AdminCallsOptions;
  /** Called for each request, because a port is known only once it listens. */
  readonly gatewayPort: () => number | null;
  readonly dead: () => Promise<number | undefined>;
}

export interface OwnConsole {
  /** Undefined when tokens are signed by an identity provider. */
  readonly sign: Sign | undefined;
  /** Each serves the console if it belongs on that port; at most one does. */
  serveOnPublicPort(app: FastifyInstance): void;
  serveOnOpsPort(app: FastifyInstance): void;
  /**
   * Ends the streams of everybody who watches. MUST come first when the service stops, because they would delay it.
   */
  close(): void;
}

export function openConsole(context: Context, parts: ConsoleParts): OwnConsole {
  const { node, config } = context;
  const { exposure, activity, publishing, guard, gatewayPort, dead } = parts;
  const { port, pagePath, needsToken } = exposure.console;
  const closing = new AbortController();
  const sign = createSign(config);
  const version = ownVersion();
  const serve = (app: FastifyInstance) => {
    if (activity === undefined) return;
    serveConsole(app, {
      ...publishing,
      activity,
      sign,
      pagePath,
      files: FILES,
      dead,
      closing: closing.signal,
      guard: needsToken ? guard : undefined,
      about: () => ({
        mode: exposure.mode,
        version,
        node,
        gatewayPort: gatewayPort(),
        roles: config.ROLES,
      }),
    });
  };
  return {
    sign,
    serveOnPublicPort: (app) => {
      if (port === 'public') serve(app);
    },
    serveOnOpsPort: (app) => {
      if (port === 'ops') serve(app);
    },
    close: () => {
      closing.abort();
      activity?.close();
    },
  };
}

/** Adds every claim that this service requires. */
function createSign(config: Context['config']): Sign | undefined {
  const { tokenKeys, JWT_ISSUER: iss, JWT_AUDIENCE: aud } = config;
  const [secret] = tokenKeys.secrets;
  if (secret === undefined) return undefined;
  const names = claimNamesOf(config);
  return (claims, seconds) => signToken(secret, { iss, aud, ...namedAs(claims, names) }, seconds);
}
