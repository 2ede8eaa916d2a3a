/**
 * Makes the bell, the client and Socket.IO's client one file for pages without a build of their own. A gateway serves
 * it at /client/bell.js, from dist/client; the client package has it as `carillon-client/standalone/bell.js`.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { licencesOf } from './licences.mjs';

const CLIENT = 'packages/client';
/** For the gateway: the file, and the same compressed once as well as possible. */
const SERVED = 'dist/client';

const { version } = JSON.parse(readFileSync(`${CLIENT}/package.json`, 'utf8'));
/** In place of the version, which names the content: two builds of one version may differ. */
const UNKNOWN = '0.0.0-unknown';

const ENTRY = `
import { CarillonBell } from './bell/bell.js';
export * from './client/connect.js';
export { CarillonBell };
export const version = '${UNKNOWN}';
// The gateway that the file came from, also below a path.
CarillonBell.defaultUrl = new URL('..', import.meta.url).href;
`;

/** In the package, where the parts have types. */
const TYPES = `export * from '../clients/client/connect.js';
export { CarillonBell } from '../clients/bell/bell.js';
export declare const version: string;
`;

const { outputFiles, metafile } = await build({
  stdin: { contents: ENTRY, resolveDir: `${CLIENT}/dist/clients` },
  bundle: true,
  write: false,
  minify: true,
  format: 'esm',
  charset: 'utf8',
  platform: 'browser',
  // What the bell needs is as young.
  target: ['chrome123', 'firefox125', 'safari17.5'],
  metafile: true,
  logLevel: 'warning',
});
const code = `${outputFiles[0].text}/*!\n${licencesOf(metafile)}*/\n`;
const name = `${version}-${createHash('sha256').update(code).digest('hex').slice(0, 12)}`;
const text = `/*! carillon-client ${name}, MIT */\n${code.replaceAll(UNKNOWN, name)}`;

mkdirSync(SERVED, { recursive: true });
mkdirSync(`${CLIENT}/dist/standalone`, { recursive: true });
writeFileSync(`${CLIENT}/dist/standalone/bell.js`, text);
writeFileSync(`${CLIENT}/dist/standalone/bell.d.ts`, TYPES);
writeFileSync(`${SERVED}/bell.js`, text);
writeFileSync(`${SERVED}/bell.js.br`, brotliCompressSync(text));
writeFileSync(`${SERVED}/bell.js.gz`, gzipSync(text, { level: 9 }));
