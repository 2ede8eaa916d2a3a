/** A socket as its feed sees it, and how live notifications wait until the client knows where it begins. */
import type { Audience } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';
import { goaway } from './goaway.ts';
import type { GatewaySocket } from './server.ts';
import type { Frame } from './wire/frame.ts';
import { pollingBytes } from './wire/polling-backlog.ts';
import { writeShared } from './wire/shared-write.ts';

export interface Subscriber {
  /** Sends a frame that all subscribers of the feed share. */
  write(frame: Frame): void;
  /** The log has a new incarnation that begins after `head`: what the client has may be gone or different. */
  resync(audience: Audience, head: Cursor): void;
}

/** Holds everything back until it is released. */
export class HeldSubscriber implements Subscriber {
  readonly #socket: GatewaySocket;
  readonly #maxPendingBytes: number;
  #held: (() => void)[] | undefined = [];

  constructor(socket: GatewaySocket, maxPendingBytes: number) {
    this.#socket = socket;
    this.#maxPendingBytes = maxPendingBytes;
  }

  write(frame: Frame): void {
    if (this.#held === undefined) this.#write(frame);
    else this.#held.push(() => this.#write(frame));
  }

  resync(audience: Audience, { epoch, offset }: Cursor): void {
    const send = () =>
      void this.#socket.emit('resync', { audiences: { [audience]: { epoch, head: offset } } });
    if (this.#held === undefined) send();
    else this.#held.push(send);
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const send of held) send();
  }

  #write(frame: Frame): void {
    const { conn } = this.#socket;
    writeShared(conn, frame);
    if (pollingBytes(conn) > this.#maxPendingBytes && this.#socket.connected)
      goaway(this.#socket, 'slow_consumer');
  }
}
