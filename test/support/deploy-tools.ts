/**
 * Finds the programs with which deploy/ and ops/ are tested. They are no part of this project: `npm run test:deploy` brings
 * them into a cache of the user's, and tests without them are skipped.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `manifest-check` reads manifests into the types of Kubernetes, the Prometheus operator and KEDA. */
export type DeployTool = 'helm' | 'promtool' | 'manifest-check';

/** A Go module: the checker, and the versions of helm and of the types. */
export const toolSources = new URL('helm/', import.meta.url).pathname;

const sources = ['go.mod', 'go.sum', 'main.go'].map((name) => readFileSync(join(toolSources, name)));
const version = createHash('sha256').update(Buffer.concat(sources)).digest('hex').slice(0, 12);

/** Another version of any source has another folder. */
export const deployTools = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'carillon',
  `deploy-${version}`,
);

/** The path of the program; undefined where it was not brought. */
export function findDeployTool(name: string): string | undefined {
  const path = join(deployTools, name);
  return existsSync(path) ? path : undefined;
}
