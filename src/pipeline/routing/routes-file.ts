/** Reads ROUTES_FILE: YAML to routes, or every fault in it with its line. */
import { readFileSync } from 'node:fs';
import { type Document, isMap, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { formatPath } from '../../contract/refusal.ts';
import { compilePattern } from './pattern.ts';
import type { Route } from './route.ts';
import { showingOf, showingShape } from './showing-schema.ts';
import { compileTemplate, templateFault } from './template.ts';

const routeSchema = z
  .strictObject({
    type: z
      .string('must be a type pattern, like order.*')
      .regex(/^[^.\s]+(\.[^.\s]+)*$/, 'must be words with dots between, * for one and # for any number'),
    audience: z
      .array(
        z.string().superRefine((text, context) => {
          const fault = templateFault(text);
          if (fault !== undefined) context.addIssue(fault);
        }),
        'must be a list of audiences',
      )
      .min(1, 'must name at least one audience')
      .optional(),
    ...showingShape,
  })
  .refine((route) => route.audience !== undefined || showingOf(route) !== undefined, {
    error: 'must be a list of audiences; only a route with display, severity or category may do without',
    path: ['audience'],
  });

const routesFileSchema = z.strictObject(
  { routes: z.array(routeSchema, 'must be a list of routes') },
  {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping with the key "routes"' : undefined),
  },
);

/** All faults of a routes file, each as `file:line: what is wrong`. `code` is stable. */
export class RoutesError extends Error {
  readonly code = 'invalid_routes';

  constructor(faults: readonly string[]) {
    super(`the routes have ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

/**
 * The routes of `ROUTES_FILE`; none without one.
 *
 * @throws {RoutesError} when it is malformed, and the system's error when it cannot be read
 */
export function readRoutes(file: string | undefined): readonly Route[] {
  return file === undefined ? [] : parseRoutes(readFileSync(file, 'utf8'), file);
}

/** @throws {RoutesError} when the text is not YAML or not routes; `fileName` is only for its messages */
export function parseRoutes(text: string, fileName: string): Route[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [syntaxFault] = document.errors;
  if (syntaxFault !== undefined) {
    throw new RoutesError([`${fileName}:${lines.linePos(syntaxFault.pos[0]).line}: ${syntaxFault.message}`]);
  }
  const result = routesFileSchema.safeParse(resolved(document, fileName));
  if (result.success) return result.data.routes.map(compileRoute);

  const lineOf = (path: readonly PropertyKey[], key?: string): number => {
    const node = document.getIn(path, true);
    const pair =
      key === undefined || !isMap(node) ? undefined : node.items.find((item) => String(item.key) === key);
    const range = rangeOf(pair?.key) ?? rangeOf(node);
    if (range !== undefined) return lines.linePos(range).line;
    return path.length === 0 ? 1 : lineOf(path.slice(0, -1));
  };
  throw new RoutesError(
    result.error.issues.flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => `${fileName}:${lineOf(issue.path, key)}: unknown key "${key}"`);
      }
      const where = formatPath(issue.path);
      return [`${fileName}:${lineOf(issue.path)}: ${where === '' ? '' : `${where} `}${issue.message}`];
    }),
  );
}

function compileRoute(route: z.infer<typeof routeSchema>): Route {
  const { type, audience = [] } = route;
  return {
    type,
    matches: compilePattern(type),
    audience: audience.map(compileTemplate),
    shows: showingOf(route),
  };
}

/** Aliases are resolved only here, and can be wrong or multiply beyond measure. */
function resolved(document: Document.Parsed, fileName: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // The library throws errors of several kinds, each over what stands in the file.
    throw new RoutesError([`${fileName}:1: ${error instanceof Error ? error.message : 'not readable'}`]);
  }
}

/** Where a YAML node begins in the text. */
function rangeOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range))
    return undefined;
  return typeof node.range[0] === 'number' ? node.range[0] : undefined;
}
