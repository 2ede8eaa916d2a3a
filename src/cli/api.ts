/** Asks Carillon over HTTP, and turns whatever goes wrong into a failure with its code. */
import { z } from 'zod';
import { opsUrlOf, tokenFor } from './environment.ts';
import { Failure } from './failure.ts';

const ANSWER_MS = 60_000;

const problemSchema = z.looseObject({ code: z.string(), detail: z.string() });

export interface Question {
  readonly token: string;
  /** Given: it is posted. */
  readonly body?: string;
  readonly contentType?: string;
}

export async function ask(url: string, { token, body, contentType }: Question): Promise<unknown> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch((error: unknown) => {
    throw new Failure('unreachable', `nothing answers at ${new URL(url).origin}: ${connectFailureOf(error)}`);
  });
  const text = await response.text();
  const answer = parsed(text);
  if (response.ok) return answer;
  const problem = problemSchema.safeParse(answer);
  if (!problem.success) {
    throw new Failure(
      'failed',
      `${new URL(url).origin} answered ${response.status} and no problem of Carillon's`,
    );
  }
  const { code, detail } = problem.data;
  const hint = response.status === 401 || response.status === 403 ? HINT : '';
  throw new Failure(code, `${detail}${hint}`);
}

const HINT = '; see CARILLON_TOKEN, and `carillon token --help`';

/** Something under /admin, on OPS_PORT. */
export async function askOps(path: string, body?: unknown): Promise<unknown> {
  const token = await tokenFor({ scope: 'admin' });
  return await ask(`${opsUrlOf()}${path}`, {
    token,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function connectFailureOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  // An address with several numbers fails with several errors and no message.
  return cause.message !== '' ? cause.message : 'code' in cause ? String(cause.code) : cause.name;
}
