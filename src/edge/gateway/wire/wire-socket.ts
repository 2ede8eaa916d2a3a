/**
 * A server's WebSocket whose sends all go through one queue, in the order of the calls: shared frames and Engine.IO's
 * own packets alike. What is sent within one turn of the event loop leaves in one write at its end.
 *
 * Engine.IO is told at once that its packet is sent, so that its own buffer stays empty and what waits, waits in one
 * place.
 */
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { Compression } from './compression.ts';
import { binaryFrame, deflatedTextFrame, type Frame, textFrame } from './frame.ts';
import { Backlog, type PendingTotal, type Waiter } from './pending.ts';
import { Run } from './write-batch.ts';

/** A run that is longer leaves at once, so that a burst does not become one huge buffer. */
const MAX_RUN_BYTES = 65_536;

/** Sockets with something to send at the end of this turn. */
const waiting: WireSocket[] = [];

function flushWaiting(): void {
  for (const socket of waiting) socket.endTurn();
  waiting.length = 0;
  Run.EMPTY.forget();
}

type Sent = (error?: Error) => void;

/** With which ws closes when a message is larger than `maxPayload` (RFC 6455, section 7.4.1). */
const TOO_LARGE = 1009;

export interface PendingLimits {
  /** Of one client: it is cut off when more than this waits for it and something else is to be sent. */
  readonly maxPendingBytes: number;
  /** Of all. */
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
  /** Made when something waits. */
  #backlog: Backlog | undefined;
  #isTooSlow = false;
  /** Called before it closes because a message was larger than is allowed; what that writes is still sent. */
  onTooLarge: (() => void) | undefined;

  /** MUST be called once the connection is open. Takes over all writing of messages. */
  takeOver(stream: Duplex, compression: Compression | undefined, limits: PendingLimits): void {
    this.#stream = stream;
    this.#compression = compression;
    this.#limits = limits;
  }

  /** True once the connection was cut because the client did not take what it was sent. */
  get isTooSlow(): boolean {
    return this.#isTooSlow;
  }

  /** What the operating system has not taken yet. */
  get pendingBytes(): number {
    const stream = this.#stream;
    return stream === undefined || stream.destroyed ? 0 : this.#run.length + stream.writableLength;
  }

  /** Without a word: it would wait behind all the rest. */
  cutOff(): void {
    this.#isTooSlow = true;
    this.terminate();
  }

  /** Messages may be as large from now on, inflated too. MUST NOT be more than the server's `maxPayload`. */
  limitInbound(maxBytes: number): void {
    // Its receiver is not public, and nothing else can end a message before it is here as a whole.
    if (hasReceiver(this)) this._receiver._maxPayload = maxBytes;
  }

  /** Sends a frame that other sockets are sent too. */
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

  /** What is sent from now on waits for {@link release}. */
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
    // Asked of what waited before: one large message by itself makes nobody slow.
    if (stream.writableLength > limits.maxPendingBytes) {
      this.cutOff();
      return;
    }
    stream.write(run.bytes);
    // Corked it waits for nobody but this process.
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
