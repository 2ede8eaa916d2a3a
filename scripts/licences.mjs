/** The texts of licences: those of the packages from which a bundle was made MUST accompany it. */
import { readdirSync, readFileSync } from 'node:fs';

/** `metafile`: what esbuild wrote about the bundle. */
export function licencesOf(metafile) {
  const folders = new Set(
    Object.keys(metafile.inputs).flatMap((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  const texts = [...folders].sort().map(licenceOf);
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

export function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  return `${name} ${version}, ${license}\n\n${file === undefined ? '' : readFileSync(`${folder}/${file}`, 'utf8').trim()}\n`;
}
