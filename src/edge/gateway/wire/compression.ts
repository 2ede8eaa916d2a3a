/**
 * Deflates and inflates single messages (RFC 7692). The whole node shares one state for each direction; connections
 * have none.
 */
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import { reusable, stateOf, type ZlibState } from './zlib-state.ts';

export interface CompressionOptions {
  /** Messages below this many bytes are sent plain. */
  readonly thresholdBytes: number;
  /** zlib's level, 1 to 9; 0 turns compression off. */
  readonly level: number;
  /** Largest message that a client may send, inflated. */
  readonly maxInboundBytes: number;
}

/** A window of 4 KB and a small hash table cost a third less CPU on small messages, and hardly any bytes. */
export const WINDOW_BITS = 12;
const MEM_LEVEL = 5;

/** Larger messages are sent plain: compression is synchronous, and this size takes about 2 ms. */
const MAX_DEFLATED_BYTES = 262_144;

/** The end of a flush. It is left out on the wire (RFC 7692, section 7.2.1) and put back before inflating. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

export class Compression {
  readonly #options: CompressionOptions;
  readonly #states: { readonly deflate: ZlibState; readonly inflate: ZlibState } | undefined;
  readonly #deflated = Buffer.allocUnsafeSlow(MAX_DEFLATED_BYTES);
  /** One byte larger than allowed, so that a message that is too long can be noticed. */
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

  /** Whether states are reused. Otherwise each message sets up its own. */
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
    // Copied, because the next message overwrites the shared buffer.
    return length === undefined ? payload : Buffer.from(payload);
  }

  /**
   * The message in the payload of a compressed frame. Never produces more than one byte beyond `maxInboundBytes`.
   * @throws {Error} when the payload is not a valid deflate stream
   */
  inflate(payload: Buffer): Buffer {
    const whole = Buffer.concat([payload, TAIL]);
    const length = this.#states?.inflate.run(whole, this.#inflated);
    // The message is too long or malformed; the function with its own state finds out which.
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
