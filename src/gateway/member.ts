/** What a socket is to a feed, and how what comes live waits until the socket has been told where it begins. */
import type { Audience } from '../contract/audience.ts';
import type { Cursor } from '../contract/notification.ts';
import type { GatewaySocket } from './server.ts';

export interface Member {
  /** Writes an Engine.IO text packet, `42["notification",{…}]`. */
  write(packet: string): void;
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

  write(packet: string): void {
    if (this.#held === undefined) this.#write(packet);
    else this.#held.push(() => this.#write(packet));
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

  /** Engine.IO puts the packet type, the first character, in front by itself. */
  #write(packet: string): void {
    this.#socket.conn.write(packet.slice(1));
  }
}
