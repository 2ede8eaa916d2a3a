/** The console's HTTP side. Every answer is a value: a problem is shown where it belongs, and never thrown. */
import { signal } from '@preact/signals';
import { isJsonObject, type JsonObject, numberAt, textAt, textsAt } from './json-object.ts';
import { notLetThrough, type Problem, readProblem, UNREACHABLE } from './problem.ts';

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

export interface About {
  readonly mode: 'embedded' | 'real';
  readonly version: string;
  readonly node: string;
  /** Where devices connect to; undefined when this process is only a consumer. */
  readonly gatewayUrl: string | undefined;
  /** Whether it can make tokens for devices. */
  readonly canSign: boolean;
  /** The user of the token that came with the request. */
  readonly user: string | undefined;
  /** What it allows an operator; undefined when no token came or none is needed. */
  readonly scopes: readonly string[] | undefined;
  /** Why that token does not open the console. */
  readonly refusal: Problem | undefined;
}

export interface Check {
  /** The first of them. */
  readonly audiences: readonly string[];
  readonly count: number;
  readonly route: string | undefined;
  /** What a bell would show; undefined where that is not known. */
  readonly title: { readonly text: string; readonly route: string | undefined } | undefined;
}

const TOKEN_KEY = 'carillon console admin token';
const ANSWER_MS = 15_000;
const EVENT_TYPE = 'application/cloudevents+json';
/** Who accepts this is told by a proxy that the login has ended (401), and is not sent to a page to log in again. */
const JSON_TYPE = 'application/json';

interface Asked {
  /** @default POST with a body, GET without one */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: string;
  /** Of the body. @default JSON */
  readonly type?: string;
  readonly signal?: AbortSignal;
  /** @default ANSWER_MS */
  readonly timeoutMs?: number;
}

export class Api {
  /** Of an operator; empty where none is needed: in embedded mode, and where a proxy adds one. */
  readonly adminToken = signal(sessionStorage.getItem(TOKEN_KEY) ?? '');
  /** Why the admin token is not taken (any more). */
  readonly refusal = signal<Problem | undefined>(undefined);

  keepToken(token: string): void {
    this.adminToken.value = token;
    sessionStorage.setItem(TOKEN_KEY, token);
  }

  forgetToken(): void {
    this.adminToken.value = '';
    sessionStorage.removeItem(TOKEN_KEY);
  }

  async about(): Promise<Answer<About>> {
    return mapped(await this.ask('/console/about'), (body) => {
      const login = isJsonObject(body.login) ? body.login : {};
      const port = numberAt(body, 'gatewayPort');
      const gateway = new URL(location.origin);
      if (port !== undefined) gateway.port = String(port);
      return {
        mode: textAt(body, 'mode') === 'real' ? 'real' : 'embedded',
        version: textAt(body, 'version') ?? '',
        node: textAt(body, 'node') ?? '',
        gatewayUrl: port === undefined ? undefined : gateway.origin,
        canSign: body.canSign === true,
        user: textAt(login, 'user'),
        scopes: textsAt(login, 'scopes'),
        refusal: isJsonObject(body.refusal) ? readProblem(0, body.refusal) : undefined,
      };
    });
  }

  async deviceToken(user: string, departments: readonly string[]): Promise<Answer<string>> {
    const claims = JSON.stringify({ user, departments, topics: ['*'], publish: ['*'] });
    const answer = await this.ask('/console/tokens', { body: claims });
    return mapped(answer, (body) => textAt(body, 'token') ?? '');
  }

  /** `event`: the text of a CloudEvent. */
  async send(event: string): Promise<Answer<JsonObject>> {
    return await this.ask('/console/events', { body: event, type: EVENT_TYPE });
  }

  /** Who would get it. Sends nothing. */
  async check(event: string, signal?: AbortSignal): Promise<Answer<Check>> {
    const asked = { body: event, type: EVENT_TYPE, ...(signal === undefined ? {} : { signal }) };
    return mapped(await this.ask('/console/check', asked), (body) => {
      const audiences = textsAt(body, 'audiences') ?? [];
      const title = isJsonObject(body.title) ? body.title : {};
      const text = textAt(title, 'text');
      return {
        audiences,
        count: numberAt(body, 'count') ?? audiences.length,
        route: textAt(body, 'route'),
        title: text === undefined ? undefined : { text, route: textAt(title, 'route') },
      };
    });
  }

  /** How many dead letters lie there; undefined when nobody can say. */
  async deadLetters(): Promise<number | undefined> {
    const answer = await this.ask('/console/dead-letters');
    return answer.ok ? numberAt(answer.value, 'count') : undefined;
  }

  /** The live stream; rejects when the service cannot be reached. */
  async live(signal: AbortSignal): Promise<Response> {
    const headers = { ...this.#headers(), accept: `${JSON_TYPE}, text/event-stream` };
    return await fetch(addressOf('/console/live'), { headers, signal });
  }

  #headers(): Record<string, string> {
    const token = this.adminToken.value;
    return token === '' ? {} : { authorization: `Bearer ${token}` };
  }

  /** `path`: below the host's root. */
  async ask(
    path: string,
    { method, body, type, signal, timeoutMs }: Asked = {},
  ): Promise<Answer<JsonObject>> {
    try {
      const timeout = AbortSignal.timeout(timeoutMs ?? ANSWER_MS);
      const response = await fetch(addressOf(path), {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        ...(body === undefined ? {} : { body }),
        headers: {
          ...this.#headers(),
          accept: JSON_TYPE,
          ...(body === undefined ? {} : { 'content-type': type ?? JSON_TYPE }),
          // As the devices of this page pick them, which not every browser says by itself.
          'accept-language': [document.documentElement.lang, ...navigator.languages].join(),
        },
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      if (response.status === 204) return { ok: true, value: {} };
      const answer: unknown = await response.json().catch(() => undefined);
      if (response.ok && isJsonObject(answer)) return { ok: true, value: answer };
      const problem = problemOf(path, response.status, answer);
      if (problem.status === 401) this.refusal.value = problem;
      return { ok: false, problem };
    } catch {
      return { ok: false, problem: UNREACHABLE };
    }
  }
}

/** What is no JSON object comes from a proxy in between, and a proxy that asks for a login says 401. */
function problemOf(path: string, status: number, answer: unknown): Problem {
  const isForeign = path.startsWith('/admin/') && !isJsonObject(answer) && status !== 401;
  return isForeign ? notLetThrough(status) : readProblem(status, answer);
}

/** At the host's root, wherever this page is. */
function addressOf(path: string): URL {
  return new URL(path, location.href);
}

export function mapped<T>(answer: Answer<JsonObject>, map: (body: JsonObject) => T): Answer<T> {
  return answer.ok ? { ok: true, value: map(answer.value) } : answer;
}
