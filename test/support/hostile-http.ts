/** HTTP requests from a hostile sender, and the rules that every answer must keep whatever the request was. */
import { expect } from 'vitest';
import { type RawAnswer, sendRaw } from './raw-http.ts';

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A POST of an event with its real length, unless the caller sets these. */
export function bytesOf(
  { method = 'POST', path = '/v1/events', headers = {}, body = '' }: Asked,
  token: string,
): Buffer {
  const payload = typeof body === 'string' ? Buffer.from(body) : body;
  const all = {
    host: '127.0.0.1',
    authorization: `Bearer ${token}`,
    'content-type': 'application/cloudevents+json',
    'content-length': String(payload.length),
    connection: 'close',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  // latin1 writes each character as one byte.
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  return Buffer.concat([head, payload]);
}

/** Checks that the answer is not a 5xx, shows nothing internal, and has complete problem details. */
export function expectHarmless({ status, contentType, head, body }: RawAnswer): void {
  expect(body).not.toMatch(/node_modules|\bat .*\.(js|ts):\d|node:internal|(Type|Range|Syntax)Error/);
  expect(status).toBeLessThan(500);
  if (!contentType.startsWith('application/problem+json') || /^content-encoding/im.test(head)) return;
  const problem: unknown = JSON.parse(Buffer.from(body, 'latin1').toString());
  expect(problem).toMatchObject({
    status,
    code: expect.stringMatching(/^[a-z_]+$/),
    type: expect.stringMatching(/^urn:carillon:problem:[a-z_]+$/),
    title: expect.any(String),
    detail: expect.any(String),
  });
}

/** Sends a request on a new connection. Fails when no answer comes, or a harmful one. */
export async function ask(url: string, token: string, asked: Asked): Promise<RawAnswer> {
  const [answer] = await sendRaw(url, bytesOf(asked, token));
  if (answer === undefined) throw new Error(`no answer to ${JSON.stringify(asked).slice(0, 300)}`);
  expectHarmless(answer);
  return answer;
}

/** Fails if a log line reports an unexpected failure. */
export function expectNoFailure(output: readonly string[]): void {
  expect(output.filter((line) => /"level":"(error|fatal)"|Unhandled|Uncaught|^ +at /.test(line))).toEqual([]);
}
