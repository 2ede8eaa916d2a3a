/** Creates the HTTP servers: fastify, with zod validation, problems as errors, compression and documentation. */
import type { Socket } from 'node:net';
import compress from '@fastify/compress';
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import {
  type ConnectionError,
  type FastifyBaseLogger,
  type FastifyInstance,
  fastify,
  LogController,
} from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { type Problem, problem } from '../../contract/problem.ts';
import type { ClientAddresses } from '../connections/client-addresses.ts';
import { endGently, refuseStream } from '../connections/refuse-stream.ts';
import { PlainRequest, PlainResponse } from './ignored-upgrades.ts';
import type { RefusalOfStranger } from './loopback-only.ts';
import { NO_STORE, replyWithProblem, sendProblem } from './problems.ts';
import { whenAnswered } from './unanswered.ts';
import { answerUnknown } from './unknown-paths.ts';
import { cutUnreadAnswers } from './unread-answers.ts';

/**
 * A request MUST arrive completely within this time. Otherwise a client could hold a connection for ever with a byte
 * now and then.
 */
const REQUEST_MS = 20_000;
/** The same for its headers, and how often Node checks. */
const [HEADERS_MS, CHECK_MS] = [10_000, 5_000];

/** More than Node accepts in a URL: the schema limits an id's length, with a code, and not the router. */
const MAX_PARAM_LENGTH = 65_536;

/** Time at a stop for requests that are being answered. */
const LAST_REQUESTS_MS = 1_000;

/**
 * Longer than load balancers keep an idle connection (usually 60 s). Otherwise they would write into one that is just
 * being closed.
 */
const KEEP_ALIVE_MS = 72_000;

/**
 * Paths whose answers hold neither secrets nor text that strangers chose: pages and their files, the documentation,
 * metrics. If inboxes were compressed, the length of an answer would reveal what one notification has in common with
 * another.
 */
const COMPRESSED = /^\/(\*|console\/?\*?|docs.*|metrics)?$/;

declare module 'fastify' {
  interface FastifyRequest {
    /** The client's address, also behind proxies. */
    readonly clientAddress: string;
  }
}

export interface ServerOptions {
  readonly addresses: ClientAddresses;
  /** Whether anything is compressed at all. */
  readonly compresses: boolean;
  readonly title: string;
  readonly description: string;
  readonly bodyLimitBytes: number;
  readonly log: Logger;
  /** Checked before everything else. @default no request is refused for where it comes from */
  readonly refusalOf?: RefusalOfStranger | undefined;
}

export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = options.log;
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimitBytes,
    forceCloseConnections: 'idle',
    requestTimeout: REQUEST_MS,
    http: {
      requestTimeout: REQUEST_MS,
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: CHECK_MS,
      IncomingMessage: PlainRequest,
      ServerResponse: PlainResponse,
    },
    clientErrorHandler: refuseBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    frameworkErrors: replyWithProblem,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
    schemaController: { compilersFactory: { buildValidator: isNeverAsked, buildSerializer: isNeverAsked } },
  });
  app.server.on('connection', (socket: Socket) => {
    socket.destroySoon = endGently;
  });
  // The files of pages set their own. All other answers are valid for one moment, and often for one user.
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', NO_STORE));
  const { refusalOf } = options;
  if (refusalOf !== undefined) {
    app.addHook('onRequest', async (request, reply) => {
      const refusal = refusalOf(request.headers);
      return refusal === undefined ? undefined : sendProblem(reply, refusal);
    });
  }
  app.decorateRequest('clientAddress', {
    getter() {
      return options.addresses.of(this.raw);
    },
  });
  app.addHook('preClose', async () => closeConnectionsSoon(app));
  cutUnreadAnswers(app);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(replyWithProblem);
  answerUnknown(app);
  await app.register(helmet, SECURITY_HEADERS);
  app.addHook('onRoute', (route) => {
    if (!options.compresses || !COMPRESSED.test(route.url)) route.compress ??= false;
  });
  await app.register(compress, { global: true });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: options.title, description: options.description, version: '1' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  return app;
}

/**
 * Closes all remaining connections, after a moment for requests that are being answered. Node counts a connection
 * without any request as busy; browsers open such connections in advance, and they would delay the stop.
 */
export function closeConnectionsSoon({ server }: FastifyInstance): void {
  setTimeout(() => server.closeAllConnections(), LAST_REQUESTS_MS).unref();
}

/**
 * In the place of the compilers that fastify would load and zod's replace: Ajv and fast-json-stringify, a tenth of a
 * start.
 */
function isNeverAsked(): never {
  throw new Error('zod checks and writes everything');
}

/** Refuses bytes that Node's parser cannot read, and requests that do not arrive in time. */
function refuseBytes({ code }: ConnectionError, socket: Socket): void {
  const refusal = unreadable[code ?? ''] ?? problem('bad_request', 400, 'this is no valid HTTP');
  if (code === 'ECONNRESET') socket.destroy();
  else whenAnswered(socket, () => refuseStream(socket, refusal));
}

const unreadable: Readonly<Record<string, Problem>> = {
  ERR_HTTP_REQUEST_TIMEOUT: problem('request_timeout', 408, 'the request was not there in time'),
  HPE_HEADER_OVERFLOW: problem('headers_too_large', 431, 'the headers are too large'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: problem('too_large', 413, "the chunks' extensions are too large"),
};

/** Pages load nothing from elsewhere and may not be framed. TLS, and with it HSTS, is up to the proxy. */
const SECURITY_HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      styleSrc: ["'self'", "'unsafe-inline'"],
      connectSrc: ["'self'", 'ws:', 'wss:'],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      objectSrc: ["'none'"],
    },
  },
  strictTransportSecurity: false,
};

/** Serves the documentation of all registered routes at `/docs`. */
export async function serveDocs(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, { routePrefix: '/docs' });
}
