/** HTTP as bytes, for requests that no client library would send. */
import { connect } from 'node:net';
import { until } from './until.ts';

const TIMEOUT_MS = 20_000;

export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly head: string;
  readonly body: string;
}

/**
 * Writes the bytes on a connection of its own and resolves with everything that came back, once the server has
 * closed it or as many answers as asked for are there. A server that says nothing at all gives no answers.
 */
export async function sendRaw(url: string, bytes: string | Uint8Array, answers = 1): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(url);
  const stream = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  let isClosed = false;
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A server may refuse and close before it has read everything.
  stream.on('error', () => {});
  stream.on('close', () => {
    isClosed = true;
  });
  stream.write(bytes);
  const received = () => answersIn(Buffer.concat(chunks).toString('latin1'));
  try {
    await until('an answer to a raw request', TIMEOUT_MS, () => isClosed || received().length >= answers);
  } finally {
    stream.destroy();
  }
  return received();
}

/** The answers that are complete, in their order. */
function answersIn(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end === -1) return answers;
    const head = text.slice(at, end);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    const bodyEnd = endOfBody(text, end + 4, head, status);
    if (bodyEnd === undefined) return answers;
    const contentType = /^content-type: *(.*)$/im.exec(head)?.[1] ?? '';
    if (status >= 200) answers.push({ status, contentType, head, body: text.slice(end + 4, bodyEnd) });
    at = bodyEnd;
  }
}

function endOfBody(text: string, start: number, head: string, status: number): number | undefined {
  if (status < 200 || status === 204 || status === 304) return start;
  const length = /^content-length: *(\d+)$/im.exec(head)?.[1];
  if (length !== undefined) {
    const end = start + Number(length);
    return end <= text.length ? end : undefined;
  }
  if (!/^transfer-encoding: *chunked$/im.test(head)) return text.length;
  const end = text.indexOf('0\r\n\r\n', start);
  return end === -1 ? undefined : end + 5;
}
