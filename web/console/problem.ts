/** What the service says is wrong: problem details (RFC 9457), and what stands for them when nothing was said. */
import { isJsonObject, numberAt, textAt } from './json-object.ts';

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** Where in the event it is. */
  readonly path: string | undefined;
}

export const UNREACHABLE: Problem = {
  status: 0,
  code: 'no_connection',
  title: 'No connection',
  detail: 'The service cannot be reached. What you typed is kept.',
  path: undefined,
};

export function readProblem(status: number, body: unknown): Problem {
  const problem = isJsonObject(body) ? body : {};
  return {
    status: numberAt(problem, 'status') ?? status,
    code: textAt(problem, 'code') ?? `http_${status}`,
    title: textAt(problem, 'title') ?? 'The service refused it.',
    detail: textAt(problem, 'detail') ?? textAt(problem, 'message') ?? `It answered with status ${status}.`,
    path: textAt(problem, 'path'),
  };
}
