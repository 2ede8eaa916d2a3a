/**
 * Writes log lines to standard output, which must never stop the service. A disk may be full, and a pipe may have no
 * reader. Then lines wait here up to a limit; after that they are lost and counted. A line that was begun is always
 * finished, so that the file has only whole lines even after an outage.
 */
import { write, writeSync } from 'node:fs';
import { Socket } from 'node:net';

export interface LogOutputOptions {
  readonly fd: number;
  /**
   * If false, a write may block its thread for ever. The process then cannot end, because it waits for its threads;
   * only SIGKILL ends it.
   */
  readonly isNonBlocking: boolean;
  /** Called with the number of lost lines once there is room again. */
  readonly onLost: (lines: number) => void;
  /** Characters that may wait; beyond that, lines are lost. */
  readonly maxWaiting?: number;
}

const MAX_WAITING = 1_048_576;

/**
 * Lines are collected up to this size: one system call for each would cost more than the connection that it reports.
 */
const WRITE_FROM = 4_096;
const WRITE_AFTER_MS = 100;

/** What a pipe takes at once, and a limit for what is held in memory twice. */
const MAX_WRITE = 65_536;

/** A full pipe is retried soon, a full disk later. */
const FULL_PIPE_MS = 20;
const FAILED_MS = 1_000;

/** How long the end of the process waits for lines to be written. */
const FLUSH_MS = 500;
const LAST_ATTEMPTS = 10;
const LAST_PAUSE_MS = 10;

/** A write that takes this long may never end. */
const STUCK_MS = 100;

const NOTHING = Buffer.alloc(0);

export class LogOutput {
  readonly #options: LogOutputOptions;
  readonly #maxWaiting: number;
  #lines: string[] = [];
  /** Characters in {@link #lines}. */
  #waiting = 0;
  /** The bytes that are being written, or the rest of a write that was begun. */
  #begun: Buffer = NOTHING;
  /** Undefined while no write is under way. */
  #writingSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The last write failed, and the timer will retry. */
  #hasFailed = false;
  /** Stays true until half of the room is free again, so that losses form one gap that one line reports. */
  #isLosing = false;
  #lostNow = 0;
  #lost = 0;
  /** A flush is running and will continue by itself. A new line MUST NOT start another write. */
  #isFlushing = false;
  #flushed: (() => void)[] = [];

  constructor(options: LogOutputOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
  }

  /** Lines lost since the start. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (this.#isLosing || this.#waiting + line.length > this.#maxWaiting) {
      this.#isLosing = true;
      this.#lostNow += 1;
      this.#lost += 1;
    } else {
      this.#lines.push(line);
      this.#waiting += line.length;
    }
    if (this.#isFlushing) return;
    if (this.#waiting >= WRITE_FROM && !this.#hasFailed) this.#write();
    else this.#writeAfter(WRITE_AFTER_MS);
  }

  /** Calls back when everything has been written, or cannot be written now. */
  flush(done: () => void = () => {}): void {
    const late = setTimeout(end, FLUSH_MS);
    let hasEnded = false;
    function end() {
      clearTimeout(late);
      if (!hasEnded) done();
      hasEnded = true;
    }
    this.#flushed.push(end);
    this.#write();
  }

  /** Writes what can be written now; waits for a reader for at most a tenth of a second. */
  flushSync(): void {
    // Nobody will learn how much of that write succeeded, so all of it counts.
    if (this.#writingSinceMs !== undefined) this.#begun = NOTHING;
    this.#isFlushing = true;
    for (let attempt = 0; attempt < LAST_ATTEMPTS; attempt += 1) {
      try {
        while (this.#next()) this.#begun = this.#begun.subarray(writeSync(this.#options.fd, this.#begun));
        break;
      } catch (error) {
        // Any other error cannot be reported: this is where it would be logged.
        if (!isFull(error)) break;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_PAUSE_MS);
      }
    }
    this.#isFlushing = false;
  }

  /** MUST be called last when the process is about to end. */
  end(): void {
    const sinceMs = this.#writingSinceMs;
    if (sinceMs !== undefined && !this.#options.isNonBlocking && performance.now() - sinceMs > STUCK_MS) {
      process.kill(process.pid, 'SIGKILL');
    }
    this.flushSync();
  }

  #writeAfter(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#write();
    }, ms).unref();
  }

  /** Whether there is something to write; if so, it is put into {@link #begun}. */
  #next(): boolean {
    if (this.#begun.length > 0) return true;
    if (this.#isLosing && this.#waiting <= this.#maxWaiting / 2) this.#reportLost();
    let size = 0;
    let count = 0;
    for (const { length } of this.#lines) {
      if (count > 0 && size + length > MAX_WRITE) break;
      size += length;
      count += 1;
    }
    this.#begun = Buffer.from(this.#lines.splice(0, count).join(''));
    this.#waiting -= size;
    return this.#begun.length > 0;
  }

  #write(): void {
    if (this.#writingSinceMs !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#next()) {
      for (const end of this.#flushed.splice(0)) end();
      return;
    }
    const begun = this.#begun;
    this.#writingSinceMs = performance.now();
    write(this.#options.fd, begun, 0, begun.length, null, (error, written) => {
      this.#writingSinceMs = undefined;
      this.#hasFailed = error !== null || written === 0;
      if (this.#hasFailed) {
        this.#writeAfter(isFull(error) ? FULL_PIPE_MS : FAILED_MS);
        return;
      }
      // If this is no longer the same, a flush has written everything.
      if (this.#begun === begun) this.#begun = begun.subarray(written);
      this.#write();
    });
  }

  /** The line that reports a loss comes next, after the lines that wait. */
  #reportLost(): void {
    const lines = this.#lostNow;
    const wasFlushing = this.#isFlushing;
    this.#isLosing = false;
    this.#lostNow = 0;
    this.#isFlushing = true;
    this.#options.onLost(lines);
    this.#isFlushing = wasFlushing;
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY');
}

let standard: LogOutput | undefined;

/** The only log output of the process. Only the first call's `onLost` is used. */
export function standardOutput(onLost: (lines: number) => void): LogOutput {
  if (standard !== undefined) return standard;
  // Merely reading `stdout` makes Node set a pipe or a socket to non-blocking. Without this, a write to it could
  // block. A terminal blocks in any case.
  const { stdout } = process;
  const isNonBlocking = stdout instanceof Socket && !stdout.isTTY;
  const output = new LogOutput({ fd: 1, isNonBlocking, onLost });
  process.on('exit', () => output.end());
  standard = output;
  return output;
}

/** How many lines this process has lost since it started. */
export function linesLost(): number {
  return standard?.lost ?? 0;
}
