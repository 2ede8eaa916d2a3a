/**
 * The doctor's checks of the configuration by itself: files that the process reads at its start, and limits that must fit
 * each other.
 */
import type { Config } from '../config/config.ts';
import { limitsThatDoNotFit } from '../config/limits.ts';
import { readRoutes } from '../pipeline/routing/routes-file.ts';
import { readSources } from '../pipeline/sources/sources-file.ts';
import { FileError } from '../pipeline/yaml-file.ts';
import { fileReasonOf } from './files.ts';
import type { Finding } from './finding.ts';

const CHECK = 'configuration';

/** Called only when the variables themselves are valid. */
export function* examineConfiguration(config: Config): Generator<Finding> {
  const { backends, ROUTES_FILE, SOURCES_FILE } = config;
  const files = [
    contentOf('ROUTES_FILE', 'routes', ROUTES_FILE, readRoutes),
    contentOf('SOURCES_FILE', 'sources', SOURCES_FILE, readSources),
  ];
  const faults = files.filter((file) => typeof file === 'object');
  yield* faults;
  if (faults.length === 0) {
    const mode =
      backends === undefined ? 'embedded mode: no RabbitMQ, no Redis' : 'the variables are well-formed';
    const found = [mode, ...files.filter((file) => typeof file === 'string')].join(', ');
    yield { check: CHECK, verdict: 'ok', found };
  }
  for (const found of limitsThatDoNotFit(config)) yield { check: 'limits', verdict: 'advice', found };
}

/**
 * Reads the file as the process does at its start. How many entries it has, or the faults with which no process starts;
 * undefined when the variable is not set.
 */
function contentOf(
  name: string,
  entries: string,
  file: string | undefined,
  read: (file: string) => readonly unknown[] | undefined,
): string | Finding | undefined {
  if (file === undefined) return undefined;
  try {
    return `${read(file)?.length ?? 0} ${entries} in ${name}`;
  } catch (error) {
    if (error instanceof FileError) {
      const change = `correct ${name} in these lines: no process starts with it`;
      return { check: CHECK, verdict: 'wrong', found: `${name}: ${error.message}`, change };
    }
    const change = `correct ${name}, or let the process read the file: none starts without it; a relative path begins where it is started`;
    return { check: CHECK, verdict: 'wrong', found: `${name}: ${fileReasonOf(error)}`, change };
  }
}
