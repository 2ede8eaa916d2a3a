/**
 * Makes the programs of dist/: the service (dist/main.js) and the command line (dist/cli/main.js), each in a few files
 * instead of a thousand modules, because to find and read modules is most of what a start costs. Why, and what stays
 * outside: docs/decisions/bundle.md.
 */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);

/** Packages that stay packages, because tracing tools patch them by name; with Socket.IO what shares classes with it. */
const PACKAGES = [
  '@socket.io/redis-adapter',
  'amqplib',
  'engine.io',
  'ioredis',
  'pino',
  'socket.io',
  'socket.io-adapter',
  'socket.io-parser',
  'ws',
];

/** Two folders below package.json, as src/<part>/<file> is: what the code reads by its own place is found from both. */
const FOLDER = 'dist/program';

/** What CommonJS packages find Node's modules and their own files with. */
const FOR_PACKAGES = `import { createRequire as createRequireOfBundle } from 'node:module';
import { dirname as dirnameOfBundle } from 'node:path';
const require = createRequireOfBundle(import.meta.url);
const folderOfPackaged = (module) => dirnameOfBundle(require.resolve(module));`;

/** A package that reads files beside its modules finds them where it is installed. */
const filesOfPackages = {
  name: 'files of packages',
  setup(build) {
    build.onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '');
      if (/\b__filename\b|\bimport\.meta\b/.test(code)) throw new Error(`${path} may read files beside it`);
      if (!/\b__dirname\b/.test(code)) return undefined;
      const module = path.split('/node_modules/').slice(1).join('/node_modules/');
      // Throws when the package hides it.
      require.resolve(module);
      return { contents: text.replaceAll(/\b__dirname\b/g, `folderOfPackaged('${module}')`) };
    });
  },
};

rmSync(FOLDER, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { main: 'src/main.ts', cli: 'src/cli/main.ts' },
  outdir: FOLDER,
  bundle: true,
  // A third less to read and to parse at each start. Names and statements stay.
  minifyWhitespace: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  external: PACKAGES,
  banner: { js: FOR_PACKAGES },
  plugins: [filesOfPackages],
  metafile: true,
  logLevel: 'warning',
});

const fromPackages = Object.keys(metafile.inputs).filter((path) => path.startsWith('node_modules/'));
for (const path of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
  if (path.endsWith('.lua'))
    cpSync(`src/${path}`, `${FOLDER}/${basename(path)}`, { errorOnExist: true, force: false });
}

// Positions in stacks are those of src/. It MUST be said before the program is loaded.
const start = (path) => `process.setSourceMapsEnabled(true);\nawait import('${path}');\n`;
writeFileSync('dist/main.js', `// Starts the service.\n${start('./program/main.js')}`);
mkdirSync('dist/cli', { recursive: true });
writeFileSync('dist/cli/main.js', `#!/usr/bin/env node\n// The command line.\n${start('../program/cli.js')}`);
chmodSync('dist/cli/main.js', 0o755);

/** Their licences ask that their texts go with copies. */
const folders = new Set(fromPackages.map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]));
const licences = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  return `${name} ${version}, ${license}\n\n${file === undefined ? '' : readFileSync(`${folder}/${file}`, 'utf8').trim()}\n`;
});
writeFileSync(`${FOLDER}/LICENCES.txt`, licences.join(`\n${'-'.repeat(80)}\n\n`));
