/**
 * Writes sbom.cdx.json, a CycloneDX document that lists what runs in production, from package-lock.json.
 *
 * `npm sbom --omit dev` also leaves out packages that a development dependency uses as well, for example ws and zod. So
 * npm gets a copy of the lock file without development dependencies.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const read = (name) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'));
const { devDependencies: _, ...manifest } = read('package.json');
const lock = read('package-lock.json');

const packages = Object.entries(lock.packages).filter(([, { dev, link }]) => !dev && !link);
const root = { ...lock.packages[''], devDependencies: undefined };
const copy = { ...lock, packages: { ...Object.fromEntries(packages), '': root } };

// npm names the subject of the document after the folder.
const parent = mkdtempSync(join(tmpdir(), 'carillon-sbom-'));
const folder = join(parent, manifest.name);
try {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(copy));
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const text = execFileSync('npm', args, { cwd: folder, encoding: 'utf8' });
  const listed = new Set(JSON.parse(text).components.map(({ name, version }) => `${name}@${version}`));
  const missing = packages
    .filter(([path]) => path !== '')
    .map(([path, { name = path.split('node_modules/').at(-1), version }]) => `${name}@${version}`)
    .filter((one) => !listed.has(one));
  if (missing.length > 0) throw new Error(`npm left out ${missing.join(', ')}`);
  writeFileSync(new URL('../sbom.cdx.json', import.meta.url), text);
  console.log(`wrote sbom.cdx.json with ${listed.size} packages`);
} finally {
  rmSync(parent, { recursive: true });
}
