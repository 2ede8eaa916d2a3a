/** YAML files that operators write: read against a schema, with each fault named by file and line. */
import { type Document, isMap, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { formatPath } from '../contract/refusal.ts';

/** All faults of a file, each as `file:line: what is wrong`. `code` is stable. */
export abstract class FileError extends Error {
  abstract readonly code: string;
  readonly faults: readonly string[];

  constructor(what: string, faults: readonly string[]) {
    super(`${what} ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

/**
 * What the text says. `fileName` is only for the faults, which `asError` makes an error of.
 *
 * @throws what `asError` gives, when the text is not YAML or does not fit the schema
 */
export function parseYamlFile<T>(
  text: string,
  fileName: string,
  schema: z.ZodType<T>,
  asError: (faults: readonly string[]) => FileError,
): T {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [syntaxFault] = document.errors;
  if (syntaxFault !== undefined) {
    throw asError([`${fileName}:${lines.linePos(syntaxFault.pos[0]).line}: ${syntaxFault.message}`]);
  }
  const result = schema.safeParse(resolved(document, fileName, asError));
  if (result.success) return result.data;

  const lineOf = (path: readonly PropertyKey[], key?: string): number => {
    const node = document.getIn(path, true);
    const pair =
      key === undefined || !isMap(node) ? undefined : node.items.find((item) => String(item.key) === key);
    const range = rangeOf(pair?.key) ?? rangeOf(node);
    if (range !== undefined) return lines.linePos(range).line;
    return path.length === 0 ? 1 : lineOf(path.slice(0, -1));
  };
  throw asError(
    result.error.issues.flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => `${fileName}:${lineOf(issue.path, key)}: unknown key "${key}"`);
      }
      const where = formatPath(issue.path);
      return [`${fileName}:${lineOf(issue.path)}: ${where === '' ? '' : `${where} `}${issue.message}`];
    }),
  );
}

/** Aliases are resolved only here, and can be wrong or multiply beyond measure. */
function resolved(
  document: Document.Parsed,
  fileName: string,
  asError: (faults: readonly string[]) => FileError,
): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // The library throws errors of several kinds, each over what stands in the file.
    throw asError([`${fileName}:1: ${error instanceof Error ? error.message : 'not readable'}`]);
  }
}

/** Where a YAML node begins in the text. */
function rangeOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range))
    return undefined;
  return typeof node.range[0] === 'number' ? node.range[0] : undefined;
}
