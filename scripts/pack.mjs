/**
 * Writes the two tarballs that can be published, from what `npm run build` made: the service with its command line, and
 * the client for apps. docs/packages.md says how to install them.
 *
 *   npm run pack -- [--scope @example] [--out dist/packages]
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { OUTSIDE } from './outside-packages.mjs';

const { values } = parseArgs({
  options: { scope: { type: 'string' }, out: { type: 'string', default: 'dist/packages' } },
});
const { scope, out } = values;
if (scope !== undefined && !/^@[a-z\d~-][a-z\d._~-]*$/.test(scope)) {
  console.error(`--scope ${scope}: it must be like @example`);
  process.exit(2);
}
const nameOf = (name) => (scope === undefined ? name : `${scope}/${name}`);

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
const write = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
const manifest = read('package.json');
const client = read('packages/client/package.json');
const { packages: locked } = read('package-lock.json');

/** Where Node finds a package that is asked for from this folder; as in the lock file, '' is the root. */
function placeOf(name, from) {
  const place = join(from, 'node_modules', name);
  if (place in locked) return place;
  if (from === '') return undefined;
  return placeOf(name, from.slice(0, Math.max(0, from.lastIndexOf('node_modules/') - 1)));
}

/** Compilers alone read these. */
const isForTypes = (name) => name.startsWith('@types/');

/** The packages at run time, by their places, each with what it asks for. */
function atRunTime() {
  const found = new Set();
  const add = (name, from) => {
    const place = placeOf(name, from);
    // An optional one may not be for this system.
    if (place === undefined || found.has(place)) return;
    found.add(place);
    const { dependencies, optionalDependencies } = locked[place];
    for (const one of Object.keys({ ...dependencies, ...optionalDependencies }))
      if (!isForTypes(one)) add(one, place);
  };
  for (const name of OUTSIDE) add(name, '');
  return found;
}

/**
 * Copies a package as it was tested. npm heeds `overrides` in the root alone: whoever installs the tarball would get
 * other versions, or, with these, an error from `npm ci`. So the copies ask for the versions that they are there with.
 */
function copyPackage(place, stage) {
  const folder = join(stage, place);
  const { version } = read(join(place, 'package.json'));
  if (version !== locked[place].version)
    throw new Error(`${place} is ${version}, and package-lock.json has ${locked[place].version}: run npm ci`);
  cpSync(place, folder, {
    recursive: true,
    filter: (path) => !path.slice(place.length).startsWith('/node_modules'),
  });
  const copy = read(join(folder, 'package.json'));
  for (const name of Object.keys(copy.dependencies ?? {})) {
    if (isForTypes(name)) delete copy.dependencies[name];
    else if (name in manifest.overrides) copy.dependencies[name] = locked[placeOf(name, place)].version;
  }
  write(join(folder, 'package.json'), copy);
}

function stageService(stage) {
  const { version, description, license, type, engines, bin } = manifest;
  for (const name of ['main.js', 'cli', 'program', 'console', 'client'])
    cpSync(join('dist', name), join(stage, 'dist', name), { recursive: true });
  for (const place of atRunTime()) copyPackage(place, stage);
  write(join(stage, 'package.json'), {
    ...{ name: nameOf(manifest.name), version, description, license, type, engines, bin },
    files: ['dist'],
    dependencies: Object.fromEntries(OUTSIDE.map((name) => [name, locked[placeOf(name, '')].version])),
    bundleDependencies: OUTSIDE,
    publishConfig: client.publishConfig,
  });
  cpSync('README.md', join(stage, 'README.md'));
}

function stageClient(stage) {
  cpSync('packages/client', stage, { recursive: true });
  write(join(stage, 'package.json'), { ...client, name: nameOf(client.name) });
}

mkdirSync(out, { recursive: true });
for (const fill of [stageService, stageClient]) {
  const stage = mkdtempSync(join(tmpdir(), 'carillon-pack-'));
  try {
    fill(stage);
    cpSync('LICENSE', join(stage, 'LICENSE'));
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(out)];
    const [{ filename }] = Object.values(
      JSON.parse(execFileSync('npm', args, { cwd: stage, encoding: 'utf8' })),
    );
    console.log(join(out, filename));
  } finally {
    rmSync(stage, { recursive: true });
  }
}
