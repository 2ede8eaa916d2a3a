/**
 * The receiving side of permessage-deflate, in the shape that ws' receiver asks for. ws' own keeps an inflate stream
 * with every connection that ever sent something compressed, and browsers compress even a heartbeat's one byte.
 */
import type { Compression } from './compression.ts';

type Inflated = (error: Error | null, message?: Buffer) => void;

const NOTHING = Buffer.alloc(0);

export class Inbound {
  readonly #compression: Compression;
  /** Payloads of the fragments of a message that is not complete; ws bounds their number and sum. */
  #fragments: Buffer[] = [];
  #isOpen = true;

  constructor(compression: Compression) {
    this.#compression = compression;
  }

  /** Calls back in a later tick: the receiver does not bear it at once. */
  decompress(payload: Buffer, isLast: boolean, done: Inflated): void {
    this.#fragments.push(payload);
    const message = isLast ? this.#inflate() : NOTHING;
    process.nextTick(() => {
      if (!this.#isOpen) return;
      if (message instanceof Error) done(message);
      else done(null, message);
    });
  }

  /** ws calls this when the connection has ended. */
  cleanup(): void {
    this.#isOpen = false;
    this.#fragments = [];
  }

  #inflate(): Buffer | Error {
    const payload = Buffer.concat(this.#fragments);
    this.#fragments = [];
    try {
      return this.#compression.inflate(payload);
    } catch (error) {
      // ws takes any as its own inflater's, and ends the connection: that is all that can be done about a bad stream.
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}
