/**
 * Bundles the programs of dist/: the service (dist/main.js) and the command line (dist/cli/main.js). Each consists of a
 * few files instead of a thousand modules, because a start spends most of its time on finding and reading modules.
 * docs/decisions/bundle.md says why, and what stays outside of the bundle.
 */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { build } from 'esbuild';
import { licencesOf } from './licences.mjs';
import { OUTSIDE } from './outside-packages.mjs';

/**
 * Two folders below package.json, like src/<part>/<file>, so that relative paths in the code lead to the same files.
 */
const FOLDER = 'dist/program';

/** What packages read beside their modules. It is copied, so that a program needs no package that is in it. */
const READ_BY = new Map([
  ['@fastify/swagger', 'package.json'],
  ['@fastify/swagger-ui', 'static'],
]);
const READ = 'files';

/** CommonJS packages use these to find Node's modules and their own files. */
const FOR_PACKAGES = `import { createRequire as createRequireOfBundle } from 'node:module';
import { fileURLToPath as fileURLToPathOfBundle } from 'node:url';
const require = createRequireOfBundle(import.meta.url);
const folderOfPackaged = (folder) => fileURLToPathOfBundle(new URL('${READ}/' + folder, import.meta.url));`;

/** Makes a package that reads files next to its modules find the copies. */
const filesOfPackages = {
  name: 'files of packages',
  setup(build) {
    build.onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '');
      if (/\b__filename\b|\bimport\.meta\b/.test(code)) throw new Error(`${path} may read files beside it`);
      if (!/\b__dirname\b/.test(code)) return undefined;
      const module = path.split('/node_modules/').slice(1).join('/node_modules/');
      if (![...READ_BY.keys()].some((name) => module.startsWith(`${name}/`)))
        throw new Error(`${path} reads files beside it: say in scripts/bundle.mjs which`);
      return { contents: text.replaceAll(/\b__dirname\b/g, `folderOfPackaged('${dirname(module)}')`) };
    });
  },
};

rmSync(FOLDER, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { main: 'src/main.ts', cli: 'src/cli/main.ts' },
  outdir: FOLDER,
  bundle: true,
  // Saves a third of the bytes to read and to parse at each start. Names and statements stay as they are.
  minifyWhitespace: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  external: OUTSIDE,
  banner: { js: FOR_PACKAGES },
  plugins: [filesOfPackages],
  metafile: true,
  logLevel: 'warning',
});

for (const [name, read] of READ_BY)
  cpSync(`node_modules/${name}/${read}`, `${FOLDER}/${READ}/${name}/${read}`, { recursive: true });
for (const path of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
  if (path.endsWith('.lua'))
    cpSync(`src/${path}`, `${FOLDER}/${basename(path)}`, { errorOnExist: true, force: false });
}

// With source maps, stacks show positions in src/. The call MUST come before the program is loaded.
const start = (path) => `process.setSourceMapsEnabled(true);\nawait import('${path}');\n`;
writeFileSync('dist/main.js', `// Starts the service.\n${start('./program/main.js')}`);
mkdirSync('dist/cli', { recursive: true });
writeFileSync('dist/cli/main.js', `#!/usr/bin/env node\n// The command line.\n${start('../program/cli.js')}`);
chmodSync('dist/cli/main.js', 0o755);

// The packages' licences require that their texts accompany copies.
writeFileSync(`${FOLDER}/LICENCES.txt`, licencesOf(metafile));
