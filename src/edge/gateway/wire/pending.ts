/**
 * What waits for all clients of this process together, and who is cut off when that becomes too much. Each client's own
 * limit says nothing of their sum: ten thousand that are slow at once, each within its limit, would end the process.
 *
 * Nothing is counted for a client that takes what it is sent. For one that does not, each write that waits is counted
 * when it begins to wait, which is what lets the sum grow; what has been taken since is seen at a look now and then, and
 * before anybody is cut off.
 */

/** One write. It may wait for many clients, and then it is in memory once. */
export class Chunk {
  readonly bytes: number;
  holders = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

/** Somebody for whom bytes wait. */
export interface Waiter {
  /** That have not been taken; 0 once the connection has ended. */
  readonly pendingBytes: number;
  cutOff(): void;
}

export interface PendingTotalOptions {
  readonly maxBytes: number;
  /** So many were cut off because so much waited. */
  readonly onExceeded: (cutOff: number, pendingBytes: number) => void;
}

/** What each waiting write costs besides its bytes: its places in queues, and the object that stands for it. */
const WRITE_BYTES = 256;

const LOOK_MS = 500;

/** Not only just below the limit: the next write would be beyond it again. */
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

  /** What waits now takes about so much memory. */
  get bytes(): number {
    return this.#bytes + this.#otherBytes;
  }

  /** Waiters whose writes are not told: they are looked at now and then. */
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

  /** Cuts off those that hold most memory by themselves, until there is room again. */
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

/** What waits for one client, the oldest first. */
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

  /** Of the memory of all that waits: of what waits for several, each has an equal part. */
  get share(): number {
    return this.#chunks.reduce((sum, { bytes, holders }) => sum + bytes / holders + WRITE_BYTES, 0);
  }

  /** This waits too. */
  add(chunk: Chunk): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.bytes;
    this.#total.hold(this, chunk);
  }

  /** Nothing waits any more. Writes are taken as a whole and in their order, so what is left says which wait. */
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

  /** All was taken, or thrown away. */
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
