/**
 * Server-Sent Events: one answer that goes on for as long as the client reads it. Its route MUST have `compress:
 * false`.
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** A comment is sent this often, because proxies and browsers close silent streams. */
const COMMENT_MS = 10_000;

/** A client that is this far behind is disconnected, and may come back. */
const MAX_PENDING_BYTES = 1_048_576;

export interface EventStreamOptions {
  /** Ends the stream when it aborts: an open stream would delay the server's stop. */
  readonly closing: AbortSignal;
  /** Called when the client has gone or the stream has ended. */
  readonly onClosed: () => void;
}

export class EventStream {
  readonly #body = new Readable({ read: () => {} });
  readonly #silence: NodeJS.Timeout;
  #isOver = false;

  constructor({ closing, onClosed }: EventStreamOptions) {
    const end = () => this.end();
    this.#silence = setTimeout(() => this.#say(':\n\n'), COMMENT_MS);
    this.#body.once('close', () => {
      this.#isOver = true;
      clearTimeout(this.#silence);
      closing.removeEventListener('abort', end);
      onClosed();
    });
    // The first comment sends the headers.
    this.#say(':\n\n');
    closing.addEventListener('abort', end);
    if (closing.aborted) end();
  }

  /** `data` MUST be one line. */
  send(data: string, event?: string): void {
    this.#say(`${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`);
  }

  end(): void {
    if (!this.#isOver) this.#body.push(null);
    this.#isOver = true;
  }

  /** Starts the answer. The route's handler MUST return the result. */
  answer(reply: FastifyReply): FastifyReply {
    return (
      reply
        .header('cache-control', 'no-store')
        // nginx would buffer the stream before it passes it on.
        .header('x-accel-buffering', 'no')
        // The connection cannot be reused, and would stay open when the server stops.
        .header('connection', 'close')
        .type('text/event-stream')
        .send(this.#body)
    );
  }

  #say(text: string): void {
    if (this.#isOver) return;
    if (this.#body.readableLength > MAX_PENDING_BYTES) this.#body.destroy();
    else this.#body.push(text);
    this.#silence.refresh();
  }
}
