/** Requests to Carillon as a hostile sender makes them, and what holds of every answer whatever was asked. */
import { expect } from 'vitest';
import { type RawAnswer, sendRaw } from './raw-http.ts';

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A POST of an event, with the length that it has, unless told otherwise. */
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
  // latin1 writes each character as the one byte that is meant.
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  return Buffer.concat([head, payload]);
}

/** Never a 5xx, never a word about our insides; what says that it is problem details has all of them. */
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

/** Asks on a connection of its own. Fails when there is no answer, or one that is not harmless. */
export async function ask(url: string, token: string, asked: Asked): Promise<RawAnswer> {
  const [answer] = await sendRaw(url, bytesOf(asked, token));
  if (answer === undefined) throw new Error(`no answer to ${JSON.stringify(asked).slice(0, 300)}`);
  expectHarmless(answer);
  return answer;
}

/** No line of the log that says that something failed which nobody expected. */
export function expectNoFailure(output: readonly string[]): void {
  expect(output.filter((line) => /"level":"(error|fatal)"|Unhandled|Uncaught|^ +at /.test(line))).toEqual([]);
}
