/**
 * Which events a feed has passed on last. They are kept as numbers, because there is a feed for every connected user.
 */
import { eventIn } from '../../pipeline/inbox/live-message.ts';

/** A consumer never has more appends of one audience under way when its store dies. */
const MAX_REMEMBERED = 256;

/** Shared by all feeds that have passed on nothing. MUST NOT be changed. */
const NONE: number[] = [];

export class PassedOn {
  /** Hashes of consecutive offsets, the newest last; {@link NONE} until there is one. */
  #hashes = NONE;

  add(packet: Buffer): void {
    if (this.#hashes === NONE) this.#hashes = [];
    else if (this.#hashes.length >= 2 * MAX_REMEMBERED) this.#hashes = this.#hashes.slice(-MAX_REMEMBERED);
    this.#hashes.push(hashOf(packet));
  }

  clear(): void {
    this.#hashes = NONE;
  }

  /** Whether the last `count` events are still remembered. */
  hasLast(count: number): boolean {
    return count <= this.#hashes.length;
  }

  /** Whether the last events that were added are these, in this order. */
  endsWith(packets: readonly Buffer[]): boolean {
    const start = this.#hashes.length - packets.length;
    return start >= 0 && packets.every((packet, i) => this.#hashes[start + i] === hashOf(packet));
  }
}

/** FNV-1a of the event's identity, in 30 bits: V8 stores such a number without allocating memory for it. */
function hashOf(packet: Buffer): number {
  const event = eventIn(packet) ?? '';
  let hash = 0x811c9dc5;
  for (let i = 0; i < event.length; i += 1) hash = Math.imul(hash ^ event.charCodeAt(i), 0x01000193);
  return hash >> 2;
}
