/** Which sessions Engine.IO has. Neither its `clients` nor their ids are public: this is the one file that touches them. */
import type { Server } from 'socket.io';
import type { Connection } from './shared-write.ts';

/** True also when it cannot be told; Engine.IO then refuses the request itself. */
export function hasSession(engine: Server['engine'], id: string): boolean {
  const clients: unknown = Reflect.get(engine, 'clients');
  return typeof clients !== 'object' || clients === null || Object.hasOwn(clients, id);
}

/** What a client presents as `sid` in each request but the first. */
export function sessionIdOf(connection: Connection): string {
  return String(Reflect.get(connection, 'id'));
}
