/**
 * Finds Engine.IO's sessions. Neither its `clients` nor their ids are public: this is the one file that touches them.
 */
import type { Server } from 'socket.io';
import type { Connection } from './shared-write.ts';

/** Also true when this cannot be found out. Engine.IO then refuses the request itself. */
export function hasSession(engine: Server['engine'], id: string): boolean {
  const clients: unknown = Reflect.get(engine, 'clients');
  return typeof clients !== 'object' || clients === null || Object.hasOwn(clients, id);
}

/** The connection of a session; undefined if it is not known. */
export function connectionOf(engine: Server['engine'], id: string): Connection | undefined {
  const clients: unknown = Reflect.get(engine, 'clients');
  if (typeof clients !== 'object' || clients === null || !Object.hasOwn(clients, id)) return undefined;
  const connection: unknown = Reflect.get(clients, id);
  return isConnection(connection) ? connection : undefined;
}

function isConnection(value: unknown): value is Connection {
  return typeof value === 'object' && value !== null && 'transport' in value && 'write' in value;
}

/** The `sid` that a client sends with each request but the first. */
export function sessionIdOf(connection: Connection): string {
  return String(Reflect.get(connection, 'id'));
}
