/** Reads ROUTES_FILE: YAML to routes, or every fault in it with its line. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { FileError, parseYamlFile } from '../yaml-file.ts';
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

/** `code` is stable. */
export class RoutesError extends FileError {
  readonly code = 'invalid_routes';

  constructor(faults: readonly string[]) {
    super('the routes have', faults);
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
  const { routes } = parseYamlFile(text, fileName, routesFileSchema, (faults) => new RoutesError(faults));
  return routes.map(compileRoute);
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
