/** Describes both HTTP servers in one OpenAPI document, from what fastify knows of their routes. */
import { STATUS_CODES } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { DeadLetterDesk } from '../src/contract/dead-letter.ts';
import type { PersonalDataDesk } from '../src/contract/personal-data.ts';
import type { Directory } from '../src/contract/presence.ts';
import { codesAnywhere, PROBLEM_TYPE, problemStatuses, problemTitles } from '../src/contract/problem.ts';
import { noToken } from '../src/contract/token.ts';
import { ClientAddresses } from '../src/edge/connections/client-addresses.ts';
import { serveAdmin } from '../src/edge/http/admin.ts';
import type { LogLevelControl } from '../src/edge/http/admin-log-level.ts';
import { serveBellFile } from '../src/edge/http/bell-file.ts';
import { crossOriginFor } from '../src/edge/http/cross-origin.ts';
import { serveEvents } from '../src/edge/http/events.ts';
import { serveHealth } from '../src/edge/http/health.ts';
import { serveInbox } from '../src/edge/http/inbox.ts';
import { PendingAnswers } from '../src/edge/http/pending-answers.ts';
import { createServer } from '../src/edge/http/server.ts';
import { PartsHealth } from '../src/observe/health.ts';
import { createLog } from '../src/observe/log.ts';
import { serveMetrics } from '../src/observe/metrics-route.ts';
import type { Departments } from '../src/operate/access/departments.ts';
import type { UserInbox } from '../src/pipeline/inbox/user-inbox.ts';
import { type Json, refsIn, refTo, sortedByKey, tidy } from './json-schema.ts';

const INFO = {
  title: 'Carillon',
  description:
    'Publish events, ask for health. Devices connect over Socket.IO, and events also come over RabbitMQ: see asyncapi.yaml. Errors are RFC 9457 problem details with a stable code.',
};

const PUBLIC_SERVER = { url: 'http://localhost:3000', description: 'PORT: for users and producers.' };
const OPS_SERVER = { url: 'http://localhost:3001', description: 'OPS_PORT: inside your network only.' };

/** The name of the default response, which every path has. */
const ANY_PATH = 'AnyPath';

const mediaSchema = z.looseObject({
  schema: z.looseObject({ anyOf: z.array(z.looseObject({})).optional() }),
});

const operationSchema = z.looseObject({
  requestBody: z.looseObject({ content: z.record(z.string(), mediaSchema) }).optional(),
  responses: z.record(
    z.string(),
    z.looseObject({ description: z.string(), content: z.record(z.string(), z.unknown()).optional() }),
  ),
});

const documentSchema = z.looseObject({
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
});

const NO_LOG_LEVEL: LogLevelControl = {
  state: () => ({ node: '', level: 'info', configured: 'info' }),
  set: () => Promise.reject(new Error('nobody asks')),
  reset: () => Promise.reject(new Error('nobody asks')),
};
/** It is there after a build. */
const BELL = new URL('../dist/client/', import.meta.url);
const NO_PERSONAL_DATA: PersonalDataDesk = {
  erase: () => Promise.reject(new Error('nobody asks')),
  async *export() {},
};

const NO_DEAD_LETTERS: DeadLetterDesk = {
  list: () => Promise.reject(new Error('nobody asks')),
  show: () => Promise.reject(new Error('nobody asks')),
  redrive: () => Promise.reject(new Error('nobody asks')),
  discard: () => Promise.reject(new Error('nobody asks')),
};

const NO_INBOX: UserInbox = {
  list: () => Promise.reject(new Error('nobody asks')),
  mark: () => Promise.reject(new Error('nobody asks')),
  open: () => Promise.reject(new Error('nobody asks')),
  marks: () => Promise.reject(new Error('nobody asks')),
};

const NO_DEPARTMENTS: Departments = {
  of: () => Promise.reject(new Error('nobody asks')),
  give: () => Promise.reject(new Error('nobody asks')),
  takeBack: () => Promise.reject(new Error('nobody asks')),
};

const NO_DIRECTORY: Directory = {
  sessionsOf: () => Promise.reject(new Error('nobody asks')),
  audience: () => Promise.reject(new Error('nobody asks')),
};

type Document = z.infer<typeof documentSchema>;
type Operation = z.infer<typeof operationSchema>;

/** Needs neither RabbitMQ nor Redis, because nobody calls these servers: they only describe themselves. */
export async function openapiDocument(): Promise<Json> {
  const health = new PartsHealth({});
  const front = await documentOf((app) => {
    serveHealth(app, health);
    serveBellFile(app, { files: BELL, compresses: false });
    serveEvents(app, {
      quota: { spent: async () => undefined, take: async () => undefined },
      verify: async () => noToken,
      maxBytes: 0,
      publish: async () => {},
      now: Date.now,
      appendsOf: () => ({ ok: true, value: 1 }),
    });
    serveInbox(app, {
      verify: async () => noToken,
      inbox: NO_INBOX,
      departments: NO_DEPARTMENTS,
      limits: { begin: async () => ({ ok: false, retryAfterMs: 0 }) },
      answers: new PendingAnswers(0),
      crossOrigin: crossOriginFor([]),
    });
  });
  const ops = await documentOf((app) => {
    serveHealth(app, health);
    serveMetrics(app, { expose: async () => ({ contentType: '', text: '' }) });
    serveAdmin(app, {
      verify: async () => noToken,
      audit: { record: () => {} },
      adminCommands: { issue: async () => {} },
      departments: NO_DEPARTMENTS,
      directory: NO_DIRECTORY,
      deadLetters: NO_DEAD_LETTERS,
      logLevel: NO_LOG_LEVEL,
      personalData: NO_PERSONAL_DATA,
      queues: () => Promise.reject(new Error('nobody asks')),
      investigate: () => Promise.reject(new Error('nobody asks')),
    });
  });

  const paths: Json = {};
  for (const [path, operations] of Object.entries({ ...ops.paths, ...front.paths })) {
    const isOps = path in ops.paths;
    const servers = path in front.paths ? [PUBLIC_SERVER, OPS_SERVER] : [OPS_SERVER];
    const described = Object.entries(operations).map(([method, operation]) => [method, describe(operation)]);
    paths[path] = { ...(isOps && { servers }), ...Object.fromEntries(described) };
  }
  const { openapi, info, components } = front;
  const schemas = { ...ops.components.schemas, ...components.schemas };
  return {
    openapi,
    info,
    servers: [PUBLIC_SERVER],
    paths: sortedByKey(paths),
    components: {
      ...components,
      responses: { [ANY_PATH]: anyPath() },
      schemas: schemasFor({ ...paths, problem: refTo('Problem') }, schemas),
    },
  };
}

async function documentOf(serve: (app: FastifyInstance) => void): Promise<Document> {
  const log = createLog({ level: 'silent', redact: [] });
  const app = await createServer({
    ...INFO,
    bodyLimitBytes: 1,
    addresses: new ClientAddresses([]),
    compresses: false,
    log,
  });
  serve(app);
  await app.ready();
  const document = tidy(app.swagger(), (ref) => ref.replace(/Input$/, ''));
  await app.close();
  return documentSchema.parse(document);
}

/** Gives each media type the schema of its body, and each status its meaning. */
function describe({ requestBody, responses, ...rest }: Operation): Json {
  return {
    ...rest,
    ...(requestBody && { requestBody: { ...requestBody, content: bodies(requestBody.content) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(responses).map(([status, response]) => [
          status,
          PROBLEM_TYPE in (response.content ?? {})
            ? response
            : { ...response, description: STATUS_CODES[status] },
        ]),
      ),
      default: { $ref: `#/components/responses/${ANY_PATH}` },
    },
  };
}

/** fastify repeats one schema for every media type. Only a batch carries an array, and it carries nothing else. */
function bodies(content: Readonly<Record<string, z.infer<typeof mediaSchema>>>): Json {
  return Object.fromEntries(
    Object.entries(content).map(([type, { schema }]) => {
      const isBatch = type.includes('batch');
      const own = schema.anyOf?.find((alternative) => (alternative.type === 'array') === isBatch) ?? schema;
      return [type, { schema: isBatch ? { ...own, minItems: 1 } : own }];
    }),
  );
}

/** The errors that any path may answer with, in addition to its own. */
function anyPath(): Json {
  const codes = codesAnywhere.flatMap((code) =>
    problemStatuses[code].map((status) => `- ${status} \`${code}\`: ${problemTitles[code]}`),
  );
  const description = `Besides, whatever the path, and also at a status that it names:\n\n${codes.join('\n')}`;
  return { description, content: { [PROBLEM_TYPE]: { schema: refTo('Problem') } } };
}

/**
 * The schemas that the paths need. The plugin writes each schema twice: X for sending and XInput for receiving. It also
 * writes those of every other module that happens to be loaded.
 */
function schemasFor(paths: Json, all: Readonly<Json>): Json {
  const found: Json = {};
  const add = (value: unknown) => {
    for (const ref of refsIn(value)) {
      const name = ref.replace('#/components/schemas/', '');
      if (name in found) continue;
      if (!isDeepStrictEqual(all[name], all[`${name}Input`])) {
        throw new Error(`schema ${name} is not the same sent and received: give each an id of its own`);
      }
      found[name] = all[name];
      add(all[name]);
    }
  };
  add(paths);
  return sortedByKey(found);
}
