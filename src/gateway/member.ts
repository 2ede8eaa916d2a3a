/** What a socket is to a feed, and how what comes live waits until the socket has been told where it begins. */
import type { Audience } from '../contract/audience.ts';
import type { Cursor } from '../contract/notification.ts';
import type { GatewaySocket } from './server.ts';
import type { Frame } from './wire/frame.ts';
import { writeShared } from './wire/shared-write.ts';

export interface Member {
  /** Sends a frame that every member of the feed is sent. */
  write(frame: Frame): void;
  /** The log has a new incarnation that begins behind `head`: what the client has may be gone or different. */
  resync(audience: Audience, head: Cursor): void;
}

/** Holds everything back until it is released. */
export class HeldMember implements Member {
  readonly #socket: GatewaySocket;
  #held: (() => void)[] | undefined = [];

  constructor(socket: GatewaySocket) {
    this.#socket = socket;
  }

  write(frame: Frame): void {
    if (this.#held === undefined) writeShared(this.#socket.conn, frame);
    else this.#held.push(() => writeShared(this.#socket.conn, frame));
  }

  resync(audience: Audience, { epoch, offset }: Cursor): void {
    const tell = () =>
      void this.#socket.emit('resync', { audiences: { [audience]: { epoch, head: offset } } });
    if (this.#held === undefined) tell();
    else this.#held.push(tell);
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const send of held) send();
  }
}
