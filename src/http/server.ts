/** The HTTP servers: one kind of fastify with zod at the edge, problems as errors, compression and documentation. */
import compress from '@fastify/compress';
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { problem } from '../contract/problem.ts';
import { PROBLEM_TYPE, replyWithProblem } from './problems.ts';
import { cutUnreadAnswers } from './unread-answers.ts';

/** A request MUST be there as a whole by then, or whoever sends a byte now and then could hold a connection for ever. */
const REQUEST_MS = 20_000;
/** Its headers by then, and how often Node looks. */
const [HEADERS_MS, CHECK_MS] = [10_000, 5_000];

/** At the end, for what is being answered. */
const LAST_REQUESTS_MS = 1_000;

export interface ServerOptions {
  readonly title: string;
  readonly description: string;
  readonly bodyLimitBytes: number;
  readonly log: Logger;
}

export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = options.log;
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimitBytes,
    forceCloseConnections: 'idle',
    requestTimeout: REQUEST_MS,
    http: { requestTimeout: REQUEST_MS, headersTimeout: HEADERS_MS, connectionsCheckingInterval: CHECK_MS },
    frameworkErrors: replyWithProblem,
    routerOptions: { ignoreTrailingSlash: true },
  });
  app.addHook('preClose', async () => closeConnectionsSoon(app));
  cutUnreadAnswers(app);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(replyWithProblem);
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .type(PROBLEM_TYPE)
      // Without the query: what is in it is not for whoever reads the answer.
      .send(problem('not_found', 404, `${request.method} ${request.url.replace(/\?.*$/s, '')}`)),
  );
  await app.register(helmet, SECURITY_HEADERS);
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
 * Closes whatever is left after a moment for what is being answered: a connection on which nothing was asked, as browsers
 * open them beforehand, counts as busy, and would hold up the end.
 */
export function closeConnectionsSoon({ server }: FastifyInstance): void {
  setTimeout(() => server.closeAllConnections(), LAST_REQUESTS_MS).unref();
}

/** Pages load nothing from elsewhere and stand in no frame. TLS, and with it HSTS, is the proxy's. */
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

/** Serves the documentation of everything that is registered, at `/docs`. */
export async function serveDocs(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, { routePrefix: '/docs' });
}
