/** Server-Sent Events: kept open by comments, let go of when nobody reads, and ended with the service. */
import { get, type IncomingMessage } from 'node:http';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, expect, type Mock, test, vi } from 'vitest';
import { EventStream } from '../../../../src/edge/http/event-stream.ts';

/** Less than a test may take. */
const IN_TIME = { timeout: 20_000 };

let app: FastifyInstance;
let closing: AbortController;
let stream: EventStream;
let onClosed: Mock<() => void>;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  closing = new AbortController();
  // The one before may be told late that its reader has gone.
  const own = vi.fn<() => void>();
  onClosed = own;
  app = fastify();
  app.get('/', (_request, reply) => {
    stream = new EventStream({ closing: closing.signal, onClosed: own });
    return stream.answer(reply);
  });
  await app.listen({ port: 0 });
});
afterEach(async () => {
  vi.useRealTimers();
  await app.close();
});

async function read() {
  const url = app.listeningOrigin;
  const response = await new Promise<IncomingMessage>((resolve) => get(url, resolve));
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  response.on('error', () => {});
  return { response, text: () => text };
}

test('a comment comes at once, and after each silence', async () => {
  const { response, text } = await read();
  expect(response.headers['content-type']).toBe('text/event-stream');
  await vi.waitFor(() => expect(text()).toBe(':\n\n'), IN_TIME);
  vi.advanceTimersByTime(9_000);
  stream.send('{"a":1}');
  vi.advanceTimersByTime(9_000);
  await vi.waitFor(() => expect(text()).toBe(':\n\ndata: {"a":1}\n\n'), IN_TIME);
  vi.advanceTimersByTime(1_000);
  await vi.waitFor(() => expect(text()).toBe(':\n\ndata: {"a":1}\n\n:\n\n'), IN_TIME);
  response.destroy();
});

test('it ends with the service, after what was sent', async () => {
  const { response, text } = await read();
  const ended = new Promise((resolve) => response.once('end', resolve));
  stream.send('last');
  closing.abort();
  stream.send('too late');
  await ended;
  expect(text()).toBe(':\n\ndata: last\n\n');
  await vi.waitFor(() => expect(onClosed).toHaveBeenCalledOnce(), IN_TIME);
});

test('whoever goes is let go of', async () => {
  const { response } = await read();
  response.destroy();
  await vi.waitFor(() => expect(onClosed).toHaveBeenCalledOnce(), IN_TIME);
  stream.send('to nobody');
});
