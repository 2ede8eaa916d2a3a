/**
 * Refuses a connection that has no response object (any more): an upgrade, bytes that are no HTTP, one connection too
 * many. A connection that ends without a byte looks to a proxy like a server that has died: it tries the same on the
 * next one, and takes both out of service. So each gets an answer, and time to read it.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { PROBLEM_TYPE, type Problem } from '../../contract/problem.ts';

/** Within it the peer should have read the last answer, and closed. */
const LINGER_MS = 2_000;

/** All that are told to come again should not do so at once. */
const RETRY_AFTER_SECONDS = 5;

type Headers = Readonly<Record<string, string>>;

function headersOf({ status }: Problem, more: Headers | undefined): Headers {
  const isTemporary = status === 503 || status === 429;
  return {
    'content-type': PROBLEM_TYPE,
    'cache-control': 'no-store',
    connection: 'close',
    ...(isTemporary ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
    ...more,
  };
}

/** The same for a request that has a response. */
export function refuseRequest(response: ServerResponse, refusal: Problem, more?: Headers): void {
  const body = JSON.stringify(refusal);
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  response.writeHead(refusal.status, { ...headersOf(refusal, more), ...length });
  response.end(body);
}

/** The problem as the text of a whole answer, behind which the connection ends. */
export function lastAnswer(refusal: Problem, more?: Headers): string {
  const body = JSON.stringify(refusal);
  const headers = { ...headersOf(refusal, more), 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { status } = refusal;
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}

/**
 * Writes the problem as the whole and last answer on the stream, also when it is corked, and ends it. What still comes
 * is thrown away. May be called again, and then does nothing. The caller MUST NOT write to the stream any more.
 */
export function refuseStream(stream: Duplex, refusal: Problem, more?: Headers): void {
  if (stream.writableEnded) return;
  // An upgrade's stream comes without a listener, and an error without one would end the process.
  stream.on('error', () => stream.destroy());
  if (!stream.writable) {
    stream.destroy();
    return;
  }
  stream.end(lastAnswer(refusal, more));
  // An upgrade's stream has no reader.
  stream.resume();
  linger(stream);
}

/**
 * What a server's sockets MUST have for `destroySoon`, which Node calls after the last answer. Its own closes at once,
 * and when something more comes from the peer then (the rest of a body, another request), the system resets the
 * connection and throws away the answer that the peer has not read (RFC 9112, section 9.6).
 */
export function endGently(this: Socket): void {
  if (this.writable) this.end();
  if (this.writableFinished) linger(this);
  else this.once('finish', () => linger(this));
}

/** Closes the stream when its peer has closed, or after a while. */
function linger(stream: Duplex): void {
  const lingering = setTimeout(() => stream.destroy(), LINGER_MS).unref();
  stream.on('close', () => clearTimeout(lingering));
}
