/** What the bell and the React hooks cost a web page, with the client in them and without Socket.IO and React. */
import { statSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';

/** A parser of moments, a lookup of languages and the choice of a title, which need nothing else. */
const SHARED = [
  'packages/client/dist/contract/rfc3339.js',
  'packages/client/dist/contract/languages.js',
  'packages/client/dist/contract/title.js',
];
const MAX_BYTES = 22_528;

/** Bundled as an app's build would. */
async function bundle(entry: string) {
  const { outputFiles, metafile } = await build({
    entryPoints: [new URL(`../../packages/client/dist/${entry}`, import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: 'esm',
    charset: 'utf8',
    platform: 'browser',
    external: ['socket.io-client', 'react'],
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild made nothing');
  return { code: file.contents, inputs: Object.keys(metafile.inputs) };
}

test('the file for plain pages is under 34 kB as it is served, with Socket.IO in it', () => {
  expect(statSync(new URL('../../dist/client/bell.js.br', import.meta.url)).size).toBeLessThan(34_816);
});

describe.each(['clients/bell/bell.js', 'clients/react/use-carillon.js'])('%s', (entry) => {
  test('is under 22 kB with the client, compressed', async () => {
    const { code } = await bundle(entry);
    expect(gzipSync(code).length).toBeLessThan(MAX_BYTES);
  });

  test('holds nothing but itself and the client: no schemas, no package', async () => {
    const { inputs } = await bundle(entry);
    const own = `packages/client/dist/${entry.slice(0, entry.lastIndexOf('/'))}/`;
    expect(
      inputs.filter(
        (path) =>
          !SHARED.includes(path) &&
          !path.startsWith('packages/client/dist/clients/client/') &&
          !path.startsWith(own),
      ),
    ).toEqual([]);
  });
});
