/**
 * Bundles the programs of dist/: the service (dist/main.js) and the command line (dist/cli/main.js). Each consists of a
 * few files instead of a thousand modules, because a start spends most of its time on finding and reading modules.
 * docs/decisions/bundle.md says why, and what stays outside of the bundle.
 */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);

/**
 * These packages stay outside because tracing tools patch them by name. Those that share classes with Socket.IO stay
 * out too.
 */
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

/**
 * Two folders below package.json, like src/<part>/<file>, so that relative paths in the code lead to the same files.
 */
const FOLDER = 'dist/program';

/** CommonJS packages use these to find Node's modules and their own files. */
const FOR_PACKAGES = `import { createRequire as createRequireOfBundle } from 'node:module';
import { dirname as dirnameOfBundle } from 'node:path';
const require = createRequireOfBundle(import.meta.url);
const folderOfPackaged = (module) => dirnameOfBundle(require.resolve(module));`;

/** Makes a package that reads files next to its modules find them in its installed folder. */
const filesOfPackages = {
  name: 'files of packages',
  setup(build) {
    build.onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '');
      if (/\b__filename\b|\bimport\.meta\b/.test(code)) throw new Error(`${path} may read files beside it`);
      if (!/\b__dirname\b/.test(code)) return undefined;
      const module = path.split('/node_modules/').slice(1).join('/node_modules/');
      // Throws when the package does not export the module.
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
  // Saves a third of the bytes to read and to parse at each start. Names and statements stay as they are.
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

// With source maps, stacks show positions in src/. The call MUST come before the program is loaded.
const start = (path) => `process.setSourceMapsEnabled(true);\nawait import('${path}');\n`;
writeFileSync('dist/main.js', `// Starts the service.\n${start('./program/main.js')}`);
mkdirSync('dist/cli', { recursive: true });
writeFileSync('dist/cli/main.js', `#!/usr/bin/env node\n// The command line.\n${start('../program/cli.js')}`);
chmodSync('dist/cli/main.js', 0o755);

/** The packages' licences require that their texts accompany copies. */
const folders = new Set(fromPackages.map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]));
const licences = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  return `${name} ${version}, ${license}\n\n${file === undefined ? '' : readFileSync(`${folder}/${file}`, 'utf8').trim()}\n`;
});
writeFileSync(`${FOLDER}/LICENCES.txt`, licences.join(`\n${'-'.repeat(80)}\n\n`));
