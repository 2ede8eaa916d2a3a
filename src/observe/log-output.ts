/**
 * Where log lines leave the process: standard output, which must never stop the service. A disk may be full, and a pipe
 * may have nobody who reads it; then lines wait here, up to a bound, and after that they are lost and counted. What was
 * begun is always finished, so that the lines in the file are whole ones also after an outage.
 */
import { write, writeSync } from 'node:fs';
import { Socket } from 'node:net';

export interface LogOutputOptions {
  readonly fd: number;
  /**
   * False: a write may keep its thread for ever, and with it the process, whose end waits for its threads; only SIGKILL
   * ends it then.
   */
  readonly isNonBlocking: boolean;
  /** So many lines were lost before the next one; called once there is room again. */
  readonly onLost: (lines: number) => void;
  /** Characters that may wait; more are lost. */
  readonly maxWaiting?: number;
}

const MAX_WAITING = 1_048_576;

/** A line a system call each would cost more than the connection that it tells of. */
const WRITE_FROM = 4_096;
const WRITE_AFTER_MS = 100;

/** What a pipe takes at once, and a bound for what is kept twice. */
const MAX_WRITE = 65_536;

/** A pipe that is full is tried again soon; a disk, when somebody may have made room. */
const FULL_PIPE_MS = 20;
const FAILED_MS = 1_000;

/** How long the end of the process waits for lines to leave. */
const FLUSH_MS = 500;
const LAST_ATTEMPTS = 10;
const LAST_PAUSE_MS = 10;

/** A write that lasts for so long may never end. */
const STUCK_MS = 100;

const NOTHING = Buffer.alloc(0);

export class LogOutput {
  readonly #options: LogOutputOptions;
  readonly #maxWaiting: number;
  #lines: string[] = [];
  /** Characters in {@link #lines}. */
  #waiting = 0;
  /** What is being written, or was begun. */
  #begun: Buffer = NOTHING;
  /** Undefined while no write is under way. */
  #writingSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The last write failed, and the timer is for trying again. */
  #hasFailed = false;
  /** Until there is room for half again, so that what is lost is lost in one piece, which one line tells of. */
  #isLosing = false;
  #lostNow = 0;
  #lost = 0;
  /** Whoever empties this goes on by itself; a line that comes meanwhile MUST NOT begin a write beside it. */
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

  /** Calls back when everything has left, or cannot leave now. */
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

  /** Writes what can be written now; waits for a reader for a tenth of a second at most. */
  flushSync(): void {
    // Nobody will be told how much of it was taken: it counts as all.
    if (this.#writingSinceMs !== undefined) this.#begun = NOTHING;
    this.#isFlushing = true;
    for (let attempt = 0; attempt < LAST_ATTEMPTS; attempt += 1) {
      try {
        while (this.#next()) this.#begun = this.#begun.subarray(writeSync(this.#options.fd, this.#begun));
        break;
      } catch (error) {
        // Whatever else it is, the log is the place where it would be told.
        if (!isFull(error)) break;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_PAUSE_MS);
      }
    }
    this.#isFlushing = false;
  }

  /** MUST be called when the process is about to end, and after everything else. */
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

  /** Whether there is something to write, which then is in {@link #begun}. */
  #next(): boolean {
    if (this.#begun.length > 0) return true;
    if (this.#isLosing && this.#waiting <= this.#maxWaiting / 2) this.#tellLost();
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
      // Otherwise everything was flushed meanwhile.
      if (this.#begun === begun) this.#begun = begun.subarray(written);
      this.#write();
    });
  }

  /** What it is told with is the next line, behind those that wait. */
  #tellLost(): void {
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

/** The process's one output for its log. `onLost` is the one of the first call. */
export function standardOutput(onLost: (lines: number) => void): LogOutput {
  if (standard !== undefined) return standard;
  // A look at the stream is enough for Node to make a pipe or a socket one that refuses what it cannot take at once.
  // By default a write to it would wait. A terminal does so in any case.
  const { stdout } = process;
  const isNonBlocking = stdout instanceof Socket && !stdout.isTTY;
  const output = new LogOutput({ fd: 1, isNonBlocking, onLost });
  process.on('exit', () => output.end());
  standard = output;
  return output;
}

/** Lines that this process could not write since it started. */
export function linesLost(): number {
  return standard?.lost ?? 0;
}
