/**
 * The frames that one socket gets in this turn of the event loop, to leave in one write.
 *
 * Sockets in the same rooms get the same frames, so they share batches. Each batch knows the batch that consists of
 * itself and the frame that came next. A thousand sockets that get the same ten frames hold one batch, whose bytes
 * are joined once.
 */
import { Chunk } from './pending.ts';

export class Run {
  /** Nothing to send; every batch begins here. */
  static readonly EMPTY = new Run(undefined, undefined);

  readonly #before: Run | undefined;
  readonly #frame: Buffer | undefined;
  readonly #length: number;
  #next: Run | undefined;
  #bytes: Buffer | undefined;
  #chunk: Chunk | undefined;

  private constructor(before: Run | undefined, frame: Buffer | undefined) {
    this.#before = before;
    this.#frame = frame;
    this.#length = (before === undefined ? 0 : before.#length) + (frame === undefined ? 0 : frame.length);
  }

  /** Bytes to send. */
  get length(): number {
    return this.#length;
  }

  followedBy(frame: Buffer): Run {
    if (this.#next !== undefined && this.#next.#frame === frame) return this.#next;
    this.#next = new Run(this, frame);
    return this.#next;
  }

  get bytes(): Buffer {
    this.#bytes ??= this.#concat();
    return this.#bytes;
  }

  /** The bytes as a chunk, to be counted when they wait for a client. */
  get chunk(): Chunk {
    this.#chunk ??= new Chunk(this.#length);
    return this.#chunk;
  }

  /**
   * Releases the batches that began here. MUST be called at the end of the turn; otherwise the last frames stay in
   * memory.
   */
  forget(): void {
    this.#next = undefined;
  }

  #concat(): Buffer {
    const frames: Buffer[] = [];
    for (let run: Run | undefined = this; run !== undefined; run = run.#before) {
      if (run.#frame !== undefined) frames.push(run.#frame);
    }
    const [only, ...others] = frames;
    return only !== undefined && others.length === 0 ? only : Buffer.concat(frames.reverse(), this.#length);
  }
}
