/** What the client library costs a web page: one bundle without Socket.IO, small, and nothing else in it. */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';

const ENTRY = new URL('../../packages/client/dist/clients/client/connect.js', import.meta.url).pathname;
/** A parser of moments, a lookup of languages and the choice of a title, which need nothing else. */
const SHARED = [
  'packages/client/dist/contract/rfc3339.js',
  'packages/client/dist/contract/languages.js',
  'packages/client/dist/contract/title.js',
];
const MAX_BYTES = 14_336;

/** Bundled as an app's build would. */
async function bundle(code: string) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    external: ['socket.io-client'],
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild made nothing');
  return { code: file.contents, inputs: Object.keys(metafile.inputs) };
}

let whole: Awaited<ReturnType<typeof bundle>>;

beforeAll(async () => {
  whole = await bundle(`export { connect } from ${JSON.stringify(ENTRY)}`);
});

test('is under 14 kB, compressed', () => {
  expect(gzipSync(whole.code).length).toBeLessThan(MAX_BYTES);
});

test('holds nothing but the client: no schemas, no package', () => {
  const strangers = whole.inputs.filter(
    (path) =>
      !SHARED.includes(path) && !path.includes('packages/client/dist/clients/client/') && path !== '<stdin>',
  );
  expect(strangers).toEqual([]);
});

test('is left out when it is imported and not used', async () => {
  const { code } = await bundle(`import { connect } from ${JSON.stringify(ENTRY)}; console.log('page')`);
  const text = new TextDecoder().decode(code);
  expect(text.replace(/import[^;]*"socket\.io-client";/, '').trim()).toBe('console.log("page");');
});
