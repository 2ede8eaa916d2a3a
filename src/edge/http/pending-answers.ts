/**
 * Limits the large answers over HTTP that clients have not read yet. When a new one would exceed the total, the
 * oldest is cut off.
 */

/** The limit, in answers of the largest size. */
const MAX_ANSWERS = 64;

/** What this uses of a response. */
interface Response {
  once(event: 'close', listener: () => void): unknown;
  destroy(): unknown;
}

export class PendingAnswers {
  readonly #maxBytes: number;
  readonly #pending = new Map<Response, number>();
  #bytes = 0;

  constructor(maxAnswerBytes: number) {
    this.#maxBytes = MAX_ANSWERS * maxAnswerBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** MUST be called before the answer is sent. It counts until the response is closed. */
  add(response: Response, bytes: number): void {
    this.#pending.set(response, bytes);
    this.#bytes += bytes;
    response.once('close', () => this.#remove(response));
    for (const oldest of this.#pending.keys()) {
      if (this.#bytes <= this.#maxBytes || oldest === response) return;
      oldest.destroy();
      this.#remove(oldest);
    }
  }

  #remove(response: Response): void {
    this.#bytes -= this.#pending.get(response) ?? 0;
    this.#pending.delete(response);
  }
}
