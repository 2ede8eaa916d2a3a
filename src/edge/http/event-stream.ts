/** Server-Sent Events: one answer that goes on for as long as somebody reads it. Its route MUST have `compress: false`. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Proxies and browsers close what is silent. */
const COMMENT_MS = 10_000;

/** Whoever reads so much too slowly is let go, and may come back. */
const MAX_PENDING_BYTES = 1_048_576;

export interface EventStreamOptions {
  /** Ends the answer: it would hold up the server's end. */
  readonly closing: AbortSignal;
  /** Nobody reads any more, or it has ended. */
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
    // The headers leave with it.
    this.#say(':\n\n');
    closing.addEventListener('abort', end);
    if (closing.aborted) end();
  }

  /** `data`: in one line. */
  send(data: string, event?: string): void {
    this.#say(`${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`);
  }

  end(): void {
    if (!this.#isOver) this.#body.push(null);
    this.#isOver = true;
  }

  /** What the handler returns. */
  answer(reply: FastifyReply): FastifyReply {
    return (
      reply
        .header('cache-control', 'no-store')
        // nginx would collect what comes before it passes it on.
        .header('x-accel-buffering', 'no')
        // Of no use for another request, it would stay open when the server ends.
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
