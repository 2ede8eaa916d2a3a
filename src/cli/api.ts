/** Requests to Carillon over HTTP. Each way in which one fails has a code. */
import { z } from 'zod';
import type { AdminScope } from '../contract/admin-scope.ts';
import { opsUrlOf, tokenFor } from './environment.ts';
import { Failure } from './failure.ts';
import { fetchReasonOf, jsonIn } from './web.ts';

const ANSWER_MS = 60_000;

const problemSchema = z.looseObject({ code: z.string(), detail: z.string() });

type Method = 'PUT' | 'DELETE';

export interface Question {
  readonly token: string;
  /** The body of a POST. Without one, the request is a GET unless `method` says otherwise. */
  readonly body?: string;
  readonly method?: Method | undefined;
  readonly contentType?: string;
  /** The languages that texts are wanted in, as in `Accept-Language`. */
  readonly languages?: string | undefined;
}

interface OpsQuestion extends Pick<Question, 'languages' | 'method'> {
  readonly scope: AdminScope;
  readonly body?: unknown;
}

/** @throws {Failure} when there is no answer, or one that is not a success */
export async function ask(url: string, question: Question): Promise<unknown> {
  const { origin } = new URL(url);
  const { ok, status, text } = await answerOf(url, question).catch((error: unknown) => {
    throw new Failure('unreachable', `nothing answers at ${origin}: ${fetchReasonOf(error)}`);
  });
  if (ok) return jsonIn(text);
  throw failureOf(origin, status, text);
}

function failureOf(origin: string, status: number, text: string): Failure {
  const problem = problemSchema.safeParse(jsonIn(text));
  if (!problem.success)
    return new Failure('failed', `${origin} answered ${status} and no problem of Carillon's`);
  const { code, detail } = problem.data;
  const hint = status === 401 || status === 403 ? HINT : '';
  return new Failure(code, `${detail}${hint}`);
}

async function answerOf(url: string, { token, body, contentType, languages, method }: Question) {
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: `Bearer ${token}`,
      ...(languages === undefined ? {} : { 'accept-language': languages }),
      ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  return { ok: response.ok, status: response.status, text: await response.text() };
}

const HINT = '; see CARILLON_TOKEN, and `carillon token --help`';

/**
 * A long answer of something under /admin, as it comes; without a limit of time.
 *
 * @throws {Failure} when there is no answer, one that is not a success, or one that breaks off
 */
export async function* streamOps(path: string, scope: AdminScope): AsyncGenerator<string> {
  const [url, token] = [opsUrlOf(), await tokenFor({ scope })];
  const { origin } = new URL(url);
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } }).catch(
    (error: unknown) => {
      throw new Failure('unreachable', `nothing answers at ${origin}: ${fetchReasonOf(error)}`);
    },
  );
  if (!response.ok || response.body === null) throw failureOf(origin, response.status, await response.text());
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw new Failure('unreachable', `the answer of ${origin} broke off: ${fetchReasonOf(error)}`);
    });
    if (done) return;
    yield decoder.decode(value, { stream: true });
  }
}

/**
 * Something under /admin, on OPS_PORT. `scope`: the least that it needs, which is all that a token made for it has.
 *
 * @throws {Failure} also when the answer does not fit `schema`
 */
export async function askOps<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  { scope, body, languages, method }: OpsQuestion,
): Promise<z.output<Schema>> {
  const token = await tokenFor({ scope });
  const url = opsUrlOf();
  const answer = await ask(`${url}${path}`, {
    token,
    method,
    languages,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const checked = schema.safeParse(answer);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  throw new Failure(
    'failed',
    `${new URL(url).origin} answered something that this command does not understand${where}`,
  );
}
