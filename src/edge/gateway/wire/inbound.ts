/**
 * The receiving side of permessage-deflate, in the form that ws' receiver expects. ws' own keeps an inflate stream
 * for every connection that ever sent a compressed message, and browsers compress even the one byte of a heartbeat.
 */
import type { Compression } from './compression.ts';

type Inflated = (error: Error | null, message?: Buffer) => void;

const NOTHING = Buffer.alloc(0);

export class Inbound {
  readonly #compression: Compression;
  /** Payloads of the fragments of an incomplete message; ws limits their number and total size. */
  #fragments: Buffer[] = [];
  #isOpen = true;

  constructor(compression: Compression) {
    this.#compression = compression;
  }

  /** Calls back in a later tick, because the receiver cannot handle a synchronous callback. */
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
      // ws treats any error as one of its own inflater and ends the connection, which is right for a bad stream.
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}
