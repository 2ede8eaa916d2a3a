/** The console's HTTP side. Every answer is a value: a problem is shown where it belongs, and never thrown. */
import { signal } from '@preact/signals';
import { isJsonObject, type JsonObject, numberAt, textAt, textsAt } from './json-object.ts';
import { type Problem, readProblem, UNREACHABLE } from './problem.ts';

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
/** Who accepts this is told by a proxy that the login has ended (401), and is not sent to a page to log in again. */
const JSON_TYPE = 'application/json';

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
    return mapped(await this.#ask('about'), (body) => {
      const port = numberAt(body, 'gatewayPort');
      const gateway = new URL(location.origin);
      if (port !== undefined) gateway.port = String(port);
      return {
        mode: textAt(body, 'mode') === 'real' ? 'real' : 'embedded',
        version: textAt(body, 'version') ?? '',
        node: textAt(body, 'node') ?? '',
        gatewayUrl: port === undefined ? undefined : gateway.origin,
        canSign: body.canSign === true,
        user: isJsonObject(body.login) ? textAt(body.login, 'user') : undefined,
        refusal: isJsonObject(body.refusal) ? readProblem(0, body.refusal) : undefined,
      };
    });
  }

  async deviceToken(user: string, departments: readonly string[]): Promise<Answer<string>> {
    const claims = JSON.stringify({ user, departments, topics: ['*'], publish: ['*'] });
    const answer = await this.#ask('tokens', { body: claims, type: 'application/json' });
    return mapped(answer, (body) => textAt(body, 'token') ?? '');
  }

  /** `event`: the text of a CloudEvent. */
  async send(event: string): Promise<Answer<JsonObject>> {
    return await this.#ask('events', { body: event, type: 'application/cloudevents+json' });
  }

  /** Who would get it. Sends nothing. */
  async check(event: string, signal?: AbortSignal): Promise<Answer<Check>> {
    const asked = { body: event, type: 'application/cloudevents+json' };
    return mapped(await this.#ask('check', asked, signal), (body) => {
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
    const answer = await this.#ask('dead-letters');
    return answer.ok ? numberAt(answer.value, 'count') : undefined;
  }

  /** The live stream; rejects when the service cannot be reached. */
  async live(signal: AbortSignal): Promise<Response> {
    const headers = { ...this.#headers(), accept: `${JSON_TYPE}, text/event-stream` };
    return await fetch(addressOf('live'), { headers, signal });
  }

  #headers(): Record<string, string> {
    const token = this.adminToken.value;
    return token === '' ? {} : { authorization: `Bearer ${token}` };
  }

  async #ask(
    name: string,
    content?: { readonly body: string; readonly type: string },
    signal?: AbortSignal,
  ): Promise<Answer<JsonObject>> {
    try {
      const timeout = AbortSignal.timeout(ANSWER_MS);
      const response = await fetch(addressOf(name), {
        ...(content === undefined ? {} : { method: 'POST', body: content.body }),
        headers: {
          ...this.#headers(),
          accept: JSON_TYPE,
          ...(content === undefined ? {} : { 'content-type': content.type }),
          // As the devices of this page pick them, which not every browser says by itself.
          'accept-language': [document.documentElement.lang, ...navigator.languages].join(),
        },
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      const body: unknown = await response.json().catch(() => undefined);
      if (response.ok && isJsonObject(body)) return { ok: true, value: body };
      const problem = readProblem(response.status, body);
      if (problem.status === 401) this.refusal.value = problem;
      return { ok: false, problem };
    } catch {
      return { ok: false, problem: UNREACHABLE };
    }
  }
}

/** At the host's root, wherever this page is. */
function addressOf(name: string): URL {
  return new URL(`/console/${name}`, location.href);
}

function mapped<T>(answer: Answer<JsonObject>, map: (body: JsonObject) => T): Answer<T> {
  return answer.ok ? { ok: true, value: map(answer.value) } : answer;
}
