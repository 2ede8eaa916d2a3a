/**
 * A server's WebSocket with one queue for everything that it sends, in the order of the calls: shared frames and
 * Engine.IO's own packets. What is sent within one turn of the event loop leaves in one write at its end.
 *
 * This is where one slow client is cut off. See `maxPendingBytes`, and `slow_consumer` in goaway.ts.
 *
 * Engine.IO gets word at once that its packet was sent. So its own buffer stays empty, and everything that waits does
 * so in one place.
 */
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { Compression } from './compression.ts';
import { binaryFrame, deflatedTextFrame, type Frame, textFrame } from './frame.ts';
import { Backlog, type PendingTotal, type Waiter } from './pending.ts';
import { Run } from './write-batch.ts';

/** A longer batch leaves at once, so that a burst does not become one huge buffer. */
const MAX_RUN_BYTES = 65_536;

/** Sockets with something to send at the end of this turn. */
const waiting: WireSocket[] = [];

function flushWaiting(): void {
  for (const socket of waiting) socket.endTurn();
  waiting.length = 0;
  Run.EMPTY.forget();
}

type Sent = (error?: Error) => void;

/** ws' close code for a message larger than `maxPayload` (RFC 6455, section 7.4.1). */
const TOO_LARGE = 1009;

export interface PendingLimits {
  /** Limit of one client. It is cut off if more than this waits when something else is to be sent. */
  readonly maxPendingBytes: number;
  /** What waits for all clients. */
  readonly pending: PendingTotal;
}

export class WireSocket extends WebSocket implements Waiter {
  #stream: Duplex | undefined;
  /** Undefined when the peer takes plain frames only. */
  #compression: Compression | undefined;
  #run = Run.EMPTY;
  #isWaiting = false;
  #isHeld = false;
  #limits: PendingLimits | undefined;
  /** Created when something first waits. */
  #backlog: Backlog | undefined;
  #isTooSlow = false;
  /**
   * Called before the socket closes because of a message that is too large. What the callback writes is still sent.
   */
  onTooLarge: (() => void) | undefined;

  /** MUST be called once the connection is open. Takes over all writing of messages. */
  takeOver(stream: Duplex, compression: Compression | undefined, limits: PendingLimits): void {
    this.#stream = stream;
    this.#compression = compression;
    this.#limits = limits;
  }

  /** Whether the connection was cut because the client did not read. */
  get isTooSlow(): boolean {
    return this.#isTooSlow;
  }

  /** What the operating system has not taken yet. */
  get pendingBytes(): number {
    const stream = this.#stream;
    return stream === undefined || stream.destroyed ? 0 : this.#run.length + stream.writableLength;
  }

  /** Ends the connection without a close frame, which would only wait behind everything else. */
  cutOff(): void {
    this.#isTooSlow = true;
    this.terminate();
  }

  /** Sets the largest message from now on, also once inflated. MUST NOT exceed the server's `maxPayload`. */
  limitInbound(maxBytes: number): void {
    // ws' receiver is not public, but nothing else can reject a message before all of it is here.
    if (hasReceiver(this)) this._receiver._maxPayload = maxBytes;
  }

  /** Sends a frame that other sockets get too. */
  share(frame: Frame): void {
    if (this.readyState !== WebSocket.OPEN) return;
    this.#push(this.#compression === undefined ? frame.plain : frame.deflated(this.#compression));
  }

  /** What Engine.IO calls: a text packet or an attachment. */
  override send(data: Parameters<WebSocket['send']>[0], ...rest: readonly unknown[]): void {
    const sent = rest.find(isSent);
    if (this.readyState !== WebSocket.OPEN) {
      if (sent !== undefined) process.nextTick(sent, new Error('the WebSocket is not open'));
      return;
    }
    this.#push(this.#frameOf(data));
    sent?.();
  }

  override close(code?: number, reason?: string | Buffer): void {
    if (code === TOO_LARGE) this.onTooLarge?.();
    this.flush();
    super.close(code, reason);
  }

  /** Holds back what is sent from now on, until {@link release}. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.flush();
  }

  endTurn(): void {
    this.#isWaiting = false;
    if (!this.#isHeld) this.flush();
  }

  flush(): void {
    if (this.#run === Run.EMPTY) return;
    const run = this.#run;
    const stream = this.#stream;
    const limits = this.#limits;
    this.#run = Run.EMPTY;
    if (limits === undefined || !stream?.writable) return;
    // Checks only what waited before: one large message does not make a client slow.
    if (stream.writableLength > limits.maxPendingBytes) {
      this.cutOff();
      return;
    }
    stream.write(run.bytes);
    // While it is corked, only this process keeps it waiting.
    if (stream.writableLength > 0 && stream.writableCorked === 0) this.#wait(run, limits);
  }

  #wait(run: Run, { pending }: PendingLimits): void {
    this.#backlog ??= new Backlog(pending, this);
    this.#backlog.add(run.chunk);
    pending.check();
  }

  #push(frame: Buffer): void {
    this.#run = this.#run.followedBy(frame);
    if (this.#run.length > MAX_RUN_BYTES) this.flush();
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    if (waiting.push(this) === 1) process.nextTick(flushWaiting);
  }

  #frameOf(data: Parameters<WebSocket['send']>[0]): Buffer {
    if (data instanceof ArrayBuffer) return binaryFrame(new Uint8Array(data));
    if (ArrayBuffer.isView(data)) {
      return binaryFrame(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    const message = Buffer.from(String(data));
    const deflated = this.#compression && deflatedTextFrame(message, this.#compression);
    return deflated ?? textFrame(message);
  }
}

function isSent(value: unknown): value is Sent {
  return typeof value === 'function';
}

interface Receiving {
  readonly _receiver: { _maxPayload: number };
}

function hasReceiver(socket: WebSocket): socket is WebSocket & Receiving {
  const receiver: unknown = Reflect.get(socket, '_receiver');
  return typeof receiver === 'object' && receiver !== null && '_maxPayload' in receiver;
}
