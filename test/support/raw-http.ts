/** Sends HTTP as raw bytes, for requests that no client library would send. */
import { connect } from 'node:net';
import { checkAnswer } from './contracts/watch.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 20_000;

export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly head: string;
  readonly body: string;
}

/**
 * Writes the bytes on a new connection. Resolves with all answers, as soon as the server has closed the connection or
 * `answers` of them have arrived. The list is empty when the server closes without an answer.
 */
export async function sendRaw(url: string, bytes: string | Uint8Array, answers = 1): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(url);
  const stream = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  let isClosed = false;
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A server may refuse the request and close before it has read all of it.
  stream.on('error', () => {});
  stream.on('close', () => {
    isClosed = true;
  });
  stream.write(bytes);
  // An answer to HEAD names the length of a body, but has none.
  const methods = /^HEAD /.test(String(bytes)) ? ['HEAD'] : [];
  const received = () => answersIn(Buffer.concat(chunks).toString('latin1'), isClosed, methods);
  try {
    await until('an answer to a raw request', TIMEOUT_MS, () => isClosed || received().length >= answers);
  } finally {
    stream.destroy();
  }
  const all = received();
  if (all.length === 1) checkRaw(url, String(bytes), all[0]);
  return all;
}

/** `request`: the text from the request line on. */
function checkRaw(url: string, request: string, answer: RawAnswer | undefined): void {
  const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.\d\r\n/.exec(request) ?? [];
  if (method === undefined || path === undefined || answer === undefined) return;
  const { status, contentType, head, body } = answer;
  const header = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1];
  const isPlain = header('content-encoding') === undefined && header('transfer-encoding') === undefined;
  const text = isPlain && method !== 'HEAD' ? Buffer.from(body, 'latin1').toString() : undefined;
  checkAnswer(url, { method, path, status, contentType, header, body: text });
}

export interface Exchange {
  readonly answers: readonly RawAnswer[];
  /** How the server ended the connection; undefined while the connection is open. */
  readonly end: 'closed' | 'reset' | undefined;
  /** Whether the connection has switched to another protocol. */
  readonly isUpgraded: boolean;
}

/**
 * Sends requests on one connection, each in its pieces. Unless `isPipelined` is set, each request waits for the answer
 * to the one before. Resolves when all are answered, the server has closed, or the protocol has changed.
 */
export async function exchange(
  url: string,
  requests: readonly { readonly method: string; readonly pieces: readonly (string | Uint8Array)[] }[],
  { isPipelined = false } = {},
): Promise<Exchange> {
  const { hostname, port } = new URL(url);
  const stream = connect(Number(port), hostname);
  stream.setNoDelay(true);
  const chunks: Buffer[] = [];
  let end: Exchange['end'];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    end ??= 'closed';
  });
  stream.on('error', () => {
    end ??= 'reset';
  });
  const methods = requests.map(({ method }) => method);
  const current = () => {
    const text = Buffer.concat(chunks).toString('latin1');
    const isUpgraded = /^HTTP\/1\.1 101 /m.test(text);
    return { answers: answersIn(text, end !== undefined, methods), isUpgraded, end };
  };
  const isOver = (count: number) => {
    const { answers, isUpgraded } = current();
    return end !== undefined || isUpgraded || answers.length >= count;
  };
  try {
    for (const [i, { pieces }] of requests.entries()) {
      for (const piece of pieces) {
        if (end === undefined) await new Promise<void>((sent) => stream.write(piece, () => sent()));
      }
      if (!isPipelined)
        await until(`an answer to ${JSON.stringify(requests[i])}`, TIMEOUT_MS, () => isOver(i + 1));
    }
    await until(`answers to ${JSON.stringify(requests)}`, TIMEOUT_MS, () => isOver(requests.length));
    for (const [i, { pieces }] of requests.entries())
      checkRaw(url, pieces.map(String).join(''), current().answers[i]);
    return current();
  } finally {
    stream.destroy();
  }
}

/**
 * The complete answers, in their order. `methods`: the methods of the requests, because an answer to HEAD has no body.
 */
function answersIn(text: string, isClosed: boolean, methods: readonly string[]): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end === -1) return answers;
    const head = text.slice(at, end);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    const isHead = methods[answers.length] === 'HEAD';
    const bodyEnd = isHead ? end + 4 : endOfBody(text, end + 4, head, status, isClosed);
    if (bodyEnd === undefined) return answers;
    const contentType = /^content-type: *(.*)$/im.exec(head)?.[1] ?? '';
    if (status >= 200) answers.push({ status, contentType, head, body: text.slice(end + 4, bodyEnd) });
    at = bodyEnd;
  }
}

function endOfBody(
  text: string,
  start: number,
  head: string,
  status: number,
  isClosed: boolean,
): number | undefined {
  if (status < 200 || status === 204 || status === 304) return start;
  const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
  if (length !== undefined) {
    const end = start + Number(length);
    return end <= text.length ? end : undefined;
  }
  // Without a length, the body ends with the connection.
  if (!/^transfer-encoding: *chunked$/im.test(head)) return isClosed ? text.length : undefined;
  const end = text.indexOf('0\r\n\r\n', start);
  return end === -1 ? undefined : end + 5;
}
