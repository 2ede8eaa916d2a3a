/** Live messages within one process: embedded mode. */
import type { Namespace } from 'socket.io';
import { Adapter } from 'socket.io-adapter';
import { type Audience, roomOf } from '../../contract/audience.ts';
import { handOver, type Live, type Receiver } from './live-messages.ts';

export class MemoryLive implements Live {
  #hosted: { readonly adapter: Adapter; readonly receiver: Receiver } | undefined;

  adapterFor(namespace: Namespace, receiver: Receiver): Adapter {
    const adapter = new Adapter(namespace);
    this.#hosted = { adapter, receiver };
    return adapter;
  }

  /** The memory inbox calls this where Redis uses SPUBLISH. Returns the number of gateways that host the audience. */
  publish(audience: Audience, bytes: Buffer): number {
    if (!this.#hosted?.adapter.rooms.has(roomOf(audience))) return 0;
    handOver(this.#hosted.receiver, audience, bytes);
    return 1;
  }

  async inForce(): Promise<void> {}
}
