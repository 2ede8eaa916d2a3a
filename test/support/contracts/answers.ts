/** Checks HTTP answers against openapi.yaml: the path, the method, the status, the code, and every field. */
import { isJsonObject } from '../../../src/contract/json.ts';
import { connectionCodes, PROBLEM_TYPE, problemStatuses } from '../../../src/contract/problem.ts';
import { at, entriesAt, keysOf, type Schemas } from './documents.ts';
import { report } from './findings.ts';

export interface Answer {
  readonly method: string;
  /** With or without a query string. */
  readonly path: string;
  readonly status: number;
  readonly contentType: string;
  readonly header: (name: string) => string | undefined;
  /** Undefined when the body is not known, or when there is none. */
  readonly body: string | undefined;
}

const DOCUMENT = 'openapi.yaml';
const PROBLEM = ['components', 'schemas', 'Problem'];
const SOCKET_IO = '/socket.io/';

/** Paths for Carillon's own pages and for people. Only their refusals are checked. */
const UNDOCUMENTED = /^\/+(?:(?:docs|console|demo)(?:\/.*)?|[^/]*\.\w+|assets\/.*)?$/;

interface Operation {
  readonly keys: readonly string[];
  readonly path: RegExp;
  /** Has no parameters, and takes precedence over paths that have some. */
  readonly isLiteral: boolean;
  readonly method: string;
}

export class Answers {
  readonly #schemas: Schemas;
  readonly #operations: readonly Operation[];
  readonly #anywhere: readonly string[];

  constructor(schemas: Schemas) {
    this.#schemas = schemas;
    const document = schemas.documents[DOCUMENT];
    this.#operations = entriesAt(document, 'paths').flatMap(([path, methods]) =>
      entriesAt(methods).map(([method]) => ({
        keys: ['paths', path, method],
        path: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`),
        isLiteral: !path.includes('{'),
        method: method.toUpperCase(),
      })),
    );
    this.#anywhere = linesOf(at(document, 'components', 'responses', 'AnyPath', 'description'));
  }

  check(answer: Answer): void {
    const { method, status } = answer;
    const path = pathOf(answer.path);
    const say = (what: string) => report(DOCUMENT, `${method} ${path.slice(0, 200)} ${status}: ${what}`);
    if (method === 'CONNECT' || status < 200 || status === 304) return;
    if (path.startsWith(SOCKET_IO)) {
      if (status >= 400) this.#checkProblem(answer, Object.keys(connectionCodes), say);
      return;
    }
    const fitting = this.#operations.filter((operation) => operation.path.test(path));
    const asked = method === 'HEAD' ? 'GET' : method;
    const known = fitting.filter((one) => one.method === asked);
    const operation = known.find(({ isLiteral }) => isLiteral) ?? known[0];
    if (operation !== undefined) {
      this.#checkOperation(operation, answer, say);
    } else if (status >= 400) {
      this.#checkProblem(answer, UNDOCUMENTED.test(path) ? Object.keys(problemStatuses) : [], say);
    } else if (!UNDOCUMENTED.test(path)) {
      say('this path and method are not in the document');
    }
  }

  #checkOperation({ keys }: Operation, answer: Answer, say: (what: string) => void): void {
    const { status, contentType, body, method } = answer;
    const place = [...keys, 'responses', String(status)];
    const response = at(this.#schemas.documents[DOCUMENT], ...place);
    const type = mediaTypeOf(contentType);
    if (status >= 400 && (type === PROBLEM_TYPE || response === undefined)) {
      const own = linesOf(at(response, 'description')).map((line) => /`(\w+)`/.exec(line)?.[1] ?? '');
      this.#checkProblem(answer, own, say);
      return;
    }
    if (response === undefined) {
      say('this status is not in the document');
      return;
    }
    const contents = entriesAt(response, 'content').map(([name]) => name);
    const hasBody = status !== 204 && method !== 'HEAD';
    if (!hasBody || body === undefined) return;
    if (!contents.includes(type)) {
      say(`the content type ${JSON.stringify(contentType)} is not in the document, which has ${contents}`);
      return;
    }
    if (type !== 'application/json') return;
    const value = parsed(body);
    if (value === undefined) say('the body is no JSON');
    else for (const fault of this.#faults([...place, 'content', type, 'schema'], value)) say(fault);
  }

  /** `codes`: the codes that are allowed here, in addition to those that any path may answer with. */
  #checkProblem(answer: Answer, codes: readonly string[], say: (what: string) => void): void {
    const { status, contentType, body, header, method } = answer;
    if (mediaTypeOf(contentType) !== PROBLEM_TYPE) {
      say(`an error that is no ${PROBLEM_TYPE} but ${JSON.stringify(contentType)}`);
      return;
    }
    if (status === 405 && header('allow') === undefined) say('405 without Allow');
    if (status === 401 && header('www-authenticate') === undefined) say('401 without WWW-Authenticate');
    if ((status === 429 || status === 503) && header('retry-after') === undefined)
      say(`${status} without Retry-After`);
    if (method === 'HEAD' || body === undefined) return;
    const problem = parsed(body);
    for (const fault of this.#faults(PROBLEM, problem)) say(fault);
    const code = isJsonObject(problem) ? String(problem.code) : '';
    const isAnywhere = this.#anywhere.some((line) => line.startsWith(`- ${status} \`${code}\``));
    if (!isAnywhere && !codes.includes(code)) say(`the code "${code}" is not in the document`);
    const known = Object.entries(problemStatuses).find(([name]) => name === code)?.[1] ?? [];
    if (!known.some((one) => one === status) || at(problem, 'status') !== status)
      say(`the code "${code}" does not come with this status`);
  }

  #faults(keys: readonly string[], value: unknown): readonly string[] {
    const ref = at(this.#schemas.documents[DOCUMENT], ...keys, '$ref');
    return this.#schemas.faults(DOCUMENT, ref === undefined ? keys : keysOf(ref), value);
  }
}

/** Handles targets that name the whole URL, too. `..` and `%2e%2e` are resolved as in any URL. */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/]*/i, '').replace(/[?#].*$/s, '');
  // Engine.IO looks only at the beginning of the raw target.
  const isNormalized = path.startsWith('/') && !path.startsWith(SOCKET_IO);
  return isNormalized ? new URL(`http://localhost${path}`).pathname : path;
}

function mediaTypeOf(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

function linesOf(description: unknown): readonly string[] {
  return typeof description === 'string'
    ? description.split('\n').filter((line) => line.startsWith('- '))
    : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
