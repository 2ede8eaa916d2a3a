/**
 * `GET /client/bell.js`: the bell and the client in one ES module, for pages without a build of their own. It is the
 * same for everybody and holds no secret, so pages of every origin may load it. Whether they may also connect is for
 * ALLOWED_ORIGINS to say.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { z } from 'zod';

export interface BellFileOptions {
  /** The folder that scripts/standalone-bell.mjs wrote. */
  readonly files: URL;
  /** Whether anything is compressed at all. */
  readonly compresses: boolean;
}

/** The build compressed the file: no request costs more than its bytes. */
const ENCODINGS = [
  ['br', 'bell.js.br'],
  ['gzip', 'bell.js.gz'],
] as const;

const TYPE = 'text/javascript; charset=utf-8';
/** The address that has the file's version in it never has another content. */
const FOR_EVER = 'public, max-age=31536000, immutable';
/** Any other is asked again after a while, which costs a 304. */
const FOR_A_WHILE = 'public, max-age=300';

const querySchema = z.object({
  v: z
    .string()
    .optional()
    .describe('The version that the page wants to keep for ever: the ETag without W/ and quotes.'),
});

const ROUTE = {
  tags: ['client'],
  summary: 'The bell and the client as one ES module, for a page without a build of its own.',
  querystring: querySchema,
  response: {
    200: { description: 'The module.', content: { 'text/javascript': { schema: z.string() } } },
    304: z.null().describe('The version in If-None-Match is the newest.'),
  },
};

export function serveBellFile(app: FastifyInstance, { files, compresses }: BellFileOptions): void {
  if (!existsSync(new URL('bell.js', files))) {
    app.log.warn({ folder: fileURLToPath(files) }, 'the bell is not built, /client/bell.js is missing');
    return;
  }
  const plain = readFileSync(new URL('bell.js', files));
  const encoded = compresses
    ? ENCODINGS.map(([encoding, name]) => ({ encoding, bytes: readFileSync(new URL(name, files)) }))
    : [];
  const version = versionIn(plain);
  // Weak: the encodings have it in common.
  const etag = `W/"${version}"`;

  app.get<{ Querystring: z.infer<typeof querySchema> }>(
    '/client/bell.js',
    { schema: ROUTE },
    (request, reply) => {
      reply.headers({
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
        'cache-control': request.query.v === version ? FOR_EVER : FOR_A_WHILE,
        etag,
        vary: 'Accept-Encoding',
      });
      if (knows(request, version)) return reply.code(304).send();
      const accepted = new Negotiator(request).encodings(encoded.map(({ encoding }) => encoding));
      const chosen = encoded.find(({ encoding }) => accepted.includes(encoding));
      if (chosen !== undefined) reply.header('content-encoding', chosen.encoding);
      return reply.type(TYPE).send(chosen?.bytes ?? plain);
    },
  );
}

/** As the first line of the file says. */
function versionIn(file: Buffer): string {
  const line = file.toString('utf8', 0, file.indexOf('\n'));
  const [, version] = /^\/\*! carillon-client (\S+), /.exec(line) ?? [];
  if (version === undefined) throw new Error('the bell does not say its version: run npm run build');
  return version;
}

function knows({ headers }: FastifyRequest, version: string): boolean {
  const tags = headers['if-none-match']?.split(',') ?? [];
  return tags.some((tag) => tag.trim().replace(/^W\//, '') === `"${version}"`);
}
