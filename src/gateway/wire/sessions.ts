/** Which sessions Engine.IO has. Its `clients` is not public: this is the one file that touches it. */
import type { Server } from 'socket.io';

/** True also when it cannot be told; Engine.IO then refuses the request itself. */
export function hasSession(engine: Server['engine'], id: string): boolean {
  const clients: unknown = Reflect.get(engine, 'clients');
  return typeof clients !== 'object' || clients === null || Object.hasOwn(clients, id);
}
