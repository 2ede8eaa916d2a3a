/**
 * Completes what tsc wrote to packages/client/dist, so that the package needs socket.io-client and nothing else. The
 * types of the client come from schemas, and so from zod: an app that does not have zod would silently get `any`.
 * docs/decisions/packages.md says more.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { licenceOf } from './licences.mjs';

const FOLDER = 'packages/client';
const DIST = `${FOLDER}/dist`;
/** Its types are copied here; nothing of it runs in an app. */
const ZOD = 'node_modules/zod';
const OWN_ZOD = `${DIST}/zod`;

const { exports, dependencies, peerDependencies } = JSON.parse(
  readFileSync(`${FOLDER}/package.json`, 'utf8'),
);
const entries = Object.values(exports).filter((entry) => typeof entry === 'object');

const SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\2/g;
const withoutComments = (text) => text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

/** A module and all that it imports, by path. `isOther` is called with what is imported by a package's name. */
function closureOf(paths, fileOf, isOther = () => {}) {
  const found = new Set();
  const add = (path) => {
    if (found.has(path)) return;
    found.add(path);
    for (const [, , , specifier] of withoutComments(readFileSync(path, 'utf8')).matchAll(SPECIFIER)) {
      if (specifier.startsWith('.')) add(fileOf(join(dirname(path), specifier)));
      else isOther(specifier, path);
    }
  };
  for (const path of paths) add(join(path));
  return found;
}

const declarationOf = (path) => path.replace(/\.[jt]s$/, '.d.ts');

/** The declarations of zod that are imported, and the same specifiers by path. */
function takeZodAlong(declarations) {
  const zod = closureOf([`${ZOD}/index.d.ts`], declarationOf, (specifier, path) => {
    throw new Error(`${path} imports ${specifier}, which would not be there`);
  });
  for (const path of zod) cpSync(path, join(OWN_ZOD, relative(ZOD, path)));
  writeFileSync(`${OWN_ZOD}/LICENCE.txt`, licenceOf(ZOD));
  for (const path of declarations) {
    const place = relative(dirname(path), `${OWN_ZOD}/index.js`).split(sep).join('/');
    const text = readFileSync(path, 'utf8');
    const own = text.replaceAll(SPECIFIER, (all, before, quote, specifier) =>
      specifier === 'zod' ? `${before}${quote}${place}${quote}` : all,
    );
    if (own !== text) writeFileSync(path, own);
  }
}

/** Modules that no entry reaches are schemas, whose types alone are used: they would import zod. */
function dropUnreached(kept) {
  for (const path of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
    const file = join(DIST, path);
    const module = file.replace(/\.map$/, '');
    if (/\.(?:js|d\.ts)(?:\.map)?$/.test(path) && !kept.has(module)) rmSync(file);
  }
}

if (!existsSync(DIST)) throw new Error(`${DIST} is missing: tsc -p tsconfig.web.json writes it`);
const installed = new Set(Object.keys({ ...dependencies, ...peerDependencies }));
const modules = closureOf(
  entries.map((entry) => join(FOLDER, entry.default)),
  (path) => path,
  (specifier, path) => {
    if (!installed.has(specifier)) throw new Error(`${path} imports ${specifier}, which is no dependency`);
  },
);
const declarations = closureOf(
  entries.map((entry) => join(FOLDER, entry.types)),
  declarationOf,
  (specifier, path) => {
    if (specifier !== 'zod' && !installed.has(specifier))
      throw new Error(`${path} imports ${specifier}, which is no dependency`);
  },
);
dropUnreached(new Set([...modules, ...declarations]));
mkdirSync(OWN_ZOD, { recursive: true });
takeZodAlong(declarations);
