/**
 * Counts the bytes that wait for all clients of this process together, and decides who is cut off when there are too
 * many. Each client's own limit says nothing about their sum: ten thousand slow clients, each within its limit, would
 * exhaust the process's memory. See `wire-socket.ts` for the limit of one client.
 *
 * A client that reads what it is sent is not counted at all. For one that does not, each write is counted when it
 * begins to wait, because only that makes the sum grow. What has been read since is found out now and then, and
 * before anybody is cut off.
 */

/** One write. It may wait for many clients, but it is in memory only once. */
export class Chunk {
  readonly bytes: number;
  holders = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

/** Somebody for whom bytes wait. */
export interface Waiter {
  /** Bytes that have not been read; 0 once the connection has ended. */
  readonly pendingBytes: number;
  cutOff(): void;
}

export interface PendingTotalOptions {
  readonly maxBytes: number;
  /** Called when `cutOff` waiters were cut off because `pendingBytes` were waiting. */
  readonly onExceeded: (cutOff: number, pendingBytes: number) => void;
}

/** What each waiting write costs besides its bytes: its queue entries and its object. */
const WRITE_BYTES = 256;

const LOOK_MS = 500;

/** Clients are cut off down to this part of the limit. Otherwise the next write would exceed it again. */
const RELIEF = 0.75;

export class PendingTotal {
  readonly #options: PendingTotalOptions;
  readonly #backlogs = new Set<Backlog>();
  readonly #others: (() => Iterable<Waiter>)[] = [];
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #otherBytes = 0;

  constructor(options: PendingTotalOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** About how much memory all waiting writes take. */
  get bytes(): number {
    return this.#bytes + this.#otherBytes;
  }

  /** Adds waiters whose writes are not reported; they are polled now and then. */
  watch(others: () => Iterable<Waiter>): void {
    this.#others.push(others);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  hold(backlog: Backlog, chunk: Chunk): void {
    this.#backlogs.add(backlog);
    if (chunk.holders === 0) this.#bytes += chunk.bytes;
    chunk.holders += 1;
    this.#bytes += WRITE_BYTES;
  }

  letGo(chunk: Chunk): void {
    chunk.holders -= 1;
    this.#bytes -= WRITE_BYTES;
    if (chunk.holders === 0) this.#bytes -= chunk.bytes;
  }

  /** MUST be called after each write that waits. */
  check(): void {
    if (this.bytes > this.#options.maxBytes) this.#look();
  }

  #look(): void {
    for (const backlog of this.#backlogs) if (backlog.isSettled()) this.#backlogs.delete(backlog);
    const others = this.#others.flatMap((waiters) =>
      [...waiters()].filter(({ pendingBytes }) => pendingBytes > 0),
    );
    this.#otherBytes = others.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0);
    if (this.bytes > this.#options.maxBytes) this.#relieve(others);
  }

  /** Cuts off the waiters that hold the most memory, until there is room again. */
  #relieve(others: readonly Waiter[]): void {
    const { maxBytes, onExceeded } = this.#options;
    const before = this.bytes;
    const candidates = [
      ...[...this.#backlogs].map((backlog) => ({ share: backlog.share, end: () => backlog.cutOff() })),
      ...others.map((waiter) => {
        const share = waiter.pendingBytes;
        const end = () => {
          waiter.cutOff();
          this.#otherBytes -= share;
        };
        return { share, end };
      }),
    ].sort((a, b) => b.share - a.share);
    let cutOff = 0;
    for (const { end } of candidates) {
      if (this.bytes <= maxBytes * RELIEF) break;
      end();
      cutOff += 1;
    }
    onExceeded(cutOff, before);
  }
}

/** The writes that wait for one client, the oldest first. */
export class Backlog {
  readonly #total: PendingTotal;
  readonly #waiter: Waiter;
  #chunks: Chunk[] = [];
  #bytes = 0;

  constructor(total: PendingTotal, waiter: Waiter) {
    this.#total = total;
    this.#waiter = waiter;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** This client's part of the memory. A write that waits for several clients is divided equally among them. */
  get share(): number {
    return this.#chunks.reduce((sum, { bytes, holders }) => sum + bytes / holders + WRITE_BYTES, 0);
  }

  /** Adds a write that waits. */
  add(chunk: Chunk): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.bytes;
    this.#total.hold(this, chunk);
  }

  /**
   * Whether nothing waits any more. Writes are taken whole and in order, so the number of bytes left says which ones
   * wait.
   */
  isSettled(): boolean {
    const { pendingBytes } = this.#waiter;
    let taken = 0;
    for (const { bytes } of this.#chunks) {
      if (this.#bytes - bytes < pendingBytes) break;
      this.#bytes -= bytes;
      taken += 1;
    }
    for (const chunk of this.#chunks.splice(0, taken)) this.#total.letGo(chunk);
    return this.#chunks.length === 0;
  }

  /** Everything was taken or discarded. */
  clear(): void {
    for (const chunk of this.#chunks) this.#total.letGo(chunk);
    this.#chunks = [];
    this.#bytes = 0;
  }

  cutOff(): void {
    this.#waiter.cutOff();
    this.clear();
  }
}
