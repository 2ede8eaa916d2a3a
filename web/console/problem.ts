/** What the service says is wrong: problem details (RFC 9457), and what stands for them when nothing was said. */
import { isJsonObject, numberAt, textAt, textsAt } from './json-object.ts';

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** Where in the event it is. */
  readonly path: string | undefined;
  /** forbidden: what the token lacks. */
  readonly scope: string | undefined;
  /** ambiguous: of which sources there are events with this id. */
  readonly sources: readonly string[];
}

const NOTHING_MORE = { path: undefined, scope: undefined, sources: [] };

export const UNREACHABLE: Problem = {
  status: 0,
  code: 'no_connection',
  title: 'No connection',
  detail: 'The service cannot be reached. What you typed is kept.',
  ...NOTHING_MORE,
};

/** A proxy's own answer, which says nothing of Carillon. */
export function notLetThrough(status: number): Problem {
  return {
    status,
    code: 'admin_not_reached',
    title: '/admin is not let through to Carillon.',
    detail:
      `Something between this page and Carillon answered with status ${status}, and not Carillon itself. ` +
      'The proxy in front of OPS_PORT must pass on /admin/ as it passes on /console/: see docs/console.md.',
    ...NOTHING_MORE,
  };
}

export function readProblem(status: number, body: unknown): Problem {
  const problem = isJsonObject(body) ? body : {};
  return {
    status: numberAt(problem, 'status') ?? status,
    code: textAt(problem, 'code') ?? `http_${status}`,
    title: textAt(problem, 'title') ?? 'The service refused it.',
    detail: textAt(problem, 'detail') ?? textAt(problem, 'message') ?? `It answered with status ${status}.`,
    path: textAt(problem, 'path'),
    scope: textAt(problem, 'scope'),
    sources: textsAt(problem, 'sources') ?? [],
  };
}
