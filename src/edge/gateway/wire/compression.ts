/** Compressing and inflating of single messages (RFC 7692): one state of each for the whole node, none per connection. */
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import { reusable, stateOf, type ZlibState } from './zlib-state.ts';

export interface CompressionOptions {
  /** Messages below this many bytes are sent plain. */
  readonly thresholdBytes: number;
  /** zlib's, 1 to 9; 0 turns compression off. */
  readonly level: number;
  /** Largest message that a client may send, inflated. */
  readonly maxInboundBytes: number;
}

/** A window of 4 KB and a small hash cost a third less on small messages, and hardly a byte. */
export const WINDOW_BITS = 12;
const MEM_LEVEL = 5;

/** Larger ones are sent plain: compressing is synchronous, and this much takes about 2 ms. */
const MAX_DEFLATED_BYTES = 262_144;

/** What a flush ends with; it is left out on the wire and put back before inflating. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

export class Compression {
  readonly #options: CompressionOptions;
  readonly #states: { readonly deflate: ZlibState; readonly inflate: ZlibState } | undefined;
  readonly #deflated = Buffer.allocUnsafeSlow(MAX_DEFLATED_BYTES);
  /** One byte more than allowed, so that a message that is too long shows. */
  readonly #inflated: Buffer;

  constructor(options: CompressionOptions) {
    this.#options = options;
    this.#inflated = Buffer.allocUnsafeSlow(options.maxInboundBytes + 2);
    const { level } = options;
    const deflate = stateOf(createDeflateRaw({ level, windowBits: WINDOW_BITS, memLevel: MEM_LEVEL }));
    const inflate = stateOf(createInflateRaw());
    if (deflate !== undefined && inflate !== undefined && reusable(deflate, inflate)) {
      this.#states = { deflate, inflate };
    }
  }

  get isOn(): boolean {
    return this.#options.level > 0;
  }

  /** Whether states are used again; otherwise each message sets up its own. */
  get isReusingStates(): boolean {
    return this.#states !== undefined;
  }

  /** The payload of a compressed frame; undefined when the message is better sent plain. */
  deflate(message: Buffer): Buffer | undefined {
    if (message.length < this.#options.thresholdBytes || message.length > MAX_DEFLATED_BYTES)
      return undefined;
    const length = this.#states?.deflate.run(message, this.#deflated);
    const whole = length === undefined ? this.#deflateAlone(message) : this.#deflated.subarray(0, length);
    const payload = whole.subarray(0, whole.length - TAIL.length);
    if (payload.length >= message.length) return undefined;
    // A copy of the right size: what is shared is written over by the next message.
    return length === undefined ? payload : Buffer.from(payload);
  }

  /**
   * The message in the payload of a compressed frame. Never makes more of it than one byte beyond `maxInboundBytes`.
   * @throws {Error} when the payload is not what a deflate stream looks like
   */
  inflate(payload: Buffer): Buffer {
    const whole = Buffer.concat([payload, TAIL]);
    const length = this.#states?.inflate.run(whole, this.#inflated);
    // Too long or malformed: which of them, the function that sets up its own state tells.
    return length === undefined ? this.#inflateAlone(whole) : Buffer.from(this.#inflated.subarray(0, length));
  }

  #deflateAlone(message: Buffer): Buffer {
    return deflateRawSync(message, {
      level: this.#options.level,
      windowBits: WINDOW_BITS,
      memLevel: MEM_LEVEL,
      finishFlush: constants.Z_SYNC_FLUSH,
    });
  }

  #inflateAlone(whole: Buffer): Buffer {
    const tooLong = this.#options.maxInboundBytes + 1;
    try {
      return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: tooLong });
    } catch (error) {
      const isTooLong =
        error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
      if (isTooLong) return Buffer.alloc(tooLong);
      throw error;
    }
  }
}
