/** The published contracts: as committed, well-formed, and saying of the messages what the service says. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { asyncapiDocument } from '../../scripts/asyncapi.ts';
import { contractFiles } from '../../scripts/contract-files.ts';
import { refsIn } from '../../scripts/json-schema.ts';
import { isAdminScope } from '../../src/contract/admin-scope.ts';
import { isJsonObject } from '../../src/contract/json.ts';
import { PROBLEM_TYPE, problemStatuses, problemTitles } from '../../src/contract/problem.ts';
import { requestErrorCodes, requests } from '../../src/contract/socket.ts';

const files = await contractFiles();
const openapi: unknown = parse(files['openapi.yaml'] ?? '');
const asyncapi: unknown = parse(files['asyncapi.yaml'] ?? '');

/** What a reference or a path of keys leads to. */
function at(document: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((value, key) => (isJsonObject(value) ? value[key] : undefined), document);
}

function resolve(document: unknown, ref: string): unknown {
  const [root, ...keys] = ref.split('/').map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return root === '#' ? at(document, ...keys) : undefined;
}

describe.each(Object.entries(files))('%s', (name, generated) => {
  test('is committed as it is generated', async () => {
    const committed = await readFile(new URL(`../../${name}`, import.meta.url), 'utf8').catch(() => '');
    expect(committed === generated, `${name} is out of date: run \`npm run contracts\` and commit it`).toBe(
      true,
    );
  });

  test('is generated alike each time', async () => {
    expect((await contractFiles())[name]).toBe(generated);
  });

  test('has no reference that leads nowhere', () => {
    const document: unknown = parse(generated);
    const refs = refsIn(document);
    expect(refs.length).toBeGreaterThan(0);
    expect(refs.filter((ref) => resolve(document, ref) === undefined)).toEqual([]);
  });
});

const schema = z.union([z.boolean(), z.looseObject({ $ref: z.string().optional() })]);
const content = z.record(z.string().regex(/^[\w.+-]+\/[\w.+-]+$/), z.strictObject({ schema }));
const server = z.strictObject({ url: z.url(), description: z.string() });
const operation = z.strictObject({
  summary: z.string().min(1),
  description: z.string().optional(),
  tags: z.array(z.string()).min(1),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z
    .array(
      z.strictObject({
        name: z.string(),
        in: z.enum(['path', 'query', 'header']),
        required: z.boolean().optional(),
        description: z.string().optional(),
        schema,
      }),
    )
    .optional(),
  requestBody: z.strictObject({ required: z.boolean().optional(), content }).optional(),
  responses: z
    .object({ default: z.strictObject({ $ref: z.literal('#/components/responses/AnyPath') }) })
    .catchall(z.strictObject({ description: z.string().min(1), content: content.optional() })),
});

/** As much of OpenAPI 3.1 as is made use of; a word that is not in it may be a mistake. */
const openapiSchema = z.strictObject({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string() }),
  servers: z.array(server).min(1),
  paths: z.record(
    z.string().startsWith('/'),
    z.strictObject({
      servers: z.array(server).min(1).optional(),
      get: operation.optional(),
      options: operation.optional(),
      put: operation.optional(),
      post: operation.optional(),
      patch: operation.optional(),
      delete: operation.optional(),
    }),
  ),
  components: z.strictObject({
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.enum(['http', 'apiKey']) })),
    responses: z.strictObject({ AnyPath: z.strictObject({ description: z.string(), content }) }),
    schemas: z.record(z.string().regex(/^[A-Za-z0-9._-]+$/), schema),
  }),
});

describe('openapi.yaml', () => {
  const document = openapiSchema.parse(openapi);
  const operations = Object.entries(document.paths).flatMap(([path, { servers: _servers, ...methods }]) =>
    Object.entries(methods).flatMap(([method, known]) =>
      known === undefined ? [] : [{ name: `${method} ${path}`, ...known }],
    ),
  );

  test.each(operations)('$name has problem details for its errors', ({ responses }) => {
    const { default: _anyPath, ...own } = responses;
    for (const [status, { content, description }] of Object.entries(own)) {
      expect(status).toMatch(/^[2-5]\d\d$/);
      if (!(PROBLEM_TYPE in (content ?? {}))) continue;
      expect(content).toEqual({ [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } });
      // Each line is one of the catalogue.
      for (const line of description.split('\n')) {
        const [, code, meaning] = /^- `(\w+)`: (.+)$/.exec(line) ?? [];
        const known = Object.entries(problemStatuses).find(([name]) => name === code)?.[1] ?? [];
        expect(known.map(String)).toContain(status);
        expect(Object.values(problemTitles)).toContain(meaning);
      }
    }
  });

  test('distinguishes a secured operation from an open one', () => {
    const secured = operations.filter(({ security }) => security !== undefined);
    expect(secured.map(({ name }) => name)).toContain('post /v1/events');
    for (const { security = [], responses } of secured) {
      for (const scheme of security.flatMap(Object.keys)) {
        expect(Object.keys(document.components.securitySchemes)).toContain(scheme);
      }
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403']));
    }
  });

  test.each(operations.filter(({ name }) => name.includes(' /admin/')))(
    '$name needs a scope of operators, and admin will do',
    ({ security = [] }) => {
      const scopes = security.flatMap((one) => Object.values(one).flat());
      expect(scopes.filter((scope) => !isAdminScope(scope))).toEqual([]);
      expect(scopes.at(-1)).toBe('admin');
    },
  );

  test('has one event, or a batch of them, by media type', () => {
    const $ref = '#/components/schemas/CloudEvent';
    expect(document.paths['/v1/events']?.post?.requestBody?.content).toEqual({
      'application/cloudevents+json': { schema: { $ref } },
      'application/json': { schema: { $ref } },
      'application/cloudevents-batch+json': { schema: { type: 'array', minItems: 1, items: { $ref } } },
    });
  });

  test('offers metrics to operators only', () => {
    expect(document.paths['/metrics']?.servers?.map(({ url }) => url)).toEqual(['http://localhost:3001']);
    expect(document.servers.map(({ url }) => url)).toEqual(['http://localhost:3000']);
  });
});

describe('CloudEvent', () => {
  const definitions = JSON.parse(
    JSON.stringify(at(openapi, 'components', 'schemas')).replaceAll('#/components/schemas/', '#/$defs/'),
  );
  const published = z.fromJSONSchema({ ...definitions.CloudEvent, $defs: definitions });
  const event = { specversion: '1.0', id: '1', source: '/shop', type: 'order.shipped' };

  test.each([
    { audience: 'user:1, department:sales' },
    { audience: ['user:1', 'global'] },
    { data: { any: { thing: [1] } } },
    { comexampleextension: 'unknown' },
    {},
  ])('may have %j', (more) => {
    expect(published.safeParse({ ...event, ...more }).success).toBe(true);
  });

  test.each([
    { audience: 7 },
    { audience: [] },
    { audience: ['somebody'] },
    { data: 'text' },
    { data: [1] },
    { specversion: '0.3' },
  ])('may not have %j', (more) => {
    expect(published.safeParse({ ...event, ...more }).success).toBe(false);
  });
});

describe('asyncapi.yaml', () => {
  test('has channels for RabbitMQ and for Socket.IO', () => {
    expect(at(asyncapi, 'asyncapi')).toBe('3.0.0');
    const addresses = Object.values(at(asyncapi, 'channels') ?? {}).map((channel) => at(channel, 'address'));
    expect(addresses).toEqual([
      'carillon.events',
      'carillon.deliver',
      'carillon.dead',
      'carillon.signals',
      '/',
    ]);
  });

  test('refers in each operation to messages of the channel that it names', () => {
    for (const known of Object.values(at(asyncapi, 'operations') ?? {})) {
      expect(['send', 'receive']).toContain(at(known, 'action'));
      for (const part of [known, at(known, 'reply')].filter((one) => one !== undefined)) {
        const channel = String(at(part, 'channel', '$ref'));
        const refs = refsIn(at(part, 'messages'));
        expect(refs.length).toBeGreaterThan(0);
        for (const ref of refs) expect(ref).toMatch(new RegExp(`^${channel}/messages/\\w+$`));
      }
    }
  });

  test.each(Object.keys(requests))('has request %s with its answer and its error', (name) => {
    expect(at(asyncapi, 'operations', name, 'action')).toBe('receive');
    expect(refsIn(at(asyncapi, 'operations', name, 'reply', 'messages'))).toEqual([
      expect.stringMatching(/Answer$/),
      '#/channels/namespace/messages/requestError',
    ]);
  });

  test('has a request that is added, by itself', () => {
    const document = asyncapiDocument({
      ...requests,
      'mark-read': { request: z.object({ upTo: z.int() }), answer: z.object({ unread: z.int() }) },
    });
    expect(at(document, 'operations', 'mark-read', 'action')).toBe('receive');
    expect(at(document, 'components', 'messages', 'MarkReadRequest', 'name')).toBe('mark-read');
    expect(at(document, 'components', 'schemas', 'MarkReadRequest', 'properties')).toEqual({
      upTo: { type: 'integer' },
    });
    expect(refsIn(document).filter((ref) => resolve(document, ref) === undefined)).toEqual([]);
  });

  test('says what each error code means', () => {
    const text = String(at(asyncapi, 'components', 'messages', 'requestError', 'description'));
    for (const [code, meaning] of Object.entries(requestErrorCodes)) {
      expect(text).toContain(`\`${code}\`: ${meaning}`);
    }
  });
});
