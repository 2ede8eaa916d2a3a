/** Which events a feed has passed on last: as numbers, because there is a feed for every user who is connected. */
import { eventIn } from '../../pipeline/inbox/live-message.ts';

/** A consumer has no more in hand of one audience when its store dies. */
const MAX_REMEMBERED = 256;

export class PassedOn {
  /** Of consecutive offsets, the newest last. */
  #hashes: number[] = [];

  add(packet: Buffer): void {
    if (this.#hashes.length >= 2 * MAX_REMEMBERED) this.#hashes = this.#hashes.slice(-MAX_REMEMBERED);
    this.#hashes.push(hashOf(packet));
  }

  clear(): void {
    if (this.#hashes.length > 0) this.#hashes = [];
  }

  /** Whether the last so many were added, and are remembered. */
  hasLast(count: number): boolean {
    return count <= this.#hashes.length;
  }

  /** Whether these events, in this order, are the last that were added. */
  endsWith(packets: readonly Buffer[]): boolean {
    const start = this.#hashes.length - packets.length;
    return start >= 0 && packets.every((packet, i) => this.#hashes[start + i] === hashOf(packet));
  }
}

/** FNV-1a of what tells the event from all others, in the 30 bits that take no memory of their own. */
function hashOf(packet: Buffer): number {
  const event = eventIn(packet) ?? '';
  let hash = 0x811c9dc5;
  for (let i = 0; i < event.length; i += 1) hash = Math.imul(hash ^ event.charCodeAt(i), 0x01000193);
  return hash >> 2;
}
