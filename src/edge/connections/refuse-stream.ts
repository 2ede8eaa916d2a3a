/**
 * Refuses a connection that has no response object (any more): an upgrade, bytes that are not HTTP, or one connection
 * too many. To a proxy, a connection that ends without a byte looks like a dead server: it tries the next one, and
 * takes both out of service. So every refusal has an answer, and time to be read.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { PROBLEM_TYPE, type Problem } from '../../contract/problem.ts';

/** The peer should have read the last answer and closed by then. */
const LINGER_MS = 2_000;

/** Clients that are asked to come again should not all return at once. */
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

/** Refuses a request that has a response object. */
export function refuseRequest(response: ServerResponse, refusal: Problem, more?: Headers): void {
  const body = JSON.stringify(refusal);
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  response.writeHead(refusal.status, { ...headersOf(refusal, more), ...length });
  response.end(body);
}

/** The problem as a whole HTTP answer, after which the connection ends. */
export function lastAnswer(refusal: Problem, more?: Headers): string {
  const body = JSON.stringify(refusal);
  const headers = { ...headersOf(refusal, more), 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { status } = refusal;
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}

/**
 * Writes the problem as the whole and last answer on the stream, even if it is corked, and ends it. What still
 * arrives is discarded. Another call does nothing. The caller MUST NOT write to the stream any more.
 */
export function refuseStream(stream: Duplex, refusal: Problem, more?: Headers): void {
  if (stream.writableEnded) return;
  // An upgrade's stream has no error listener, and an error without one would end the process.
  stream.on('error', () => stream.destroy());
  if (!stream.writable) {
    stream.destroy();
    return;
  }
  stream.end(lastAnswer(refusal, more));
  // Nobody reads an upgrade's stream.
  stream.resume();
  linger(stream);
}

/**
 * Replaces `destroySoon` of a server's sockets, which Node calls after the last answer. Node's own closes at once. If
 * more arrives from the peer then (the rest of a body, another request), the system resets the connection and
 * discards the answer that the peer has not read (RFC 9112, section 9.6).
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
