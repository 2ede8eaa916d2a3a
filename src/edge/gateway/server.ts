/** The types of this service's Socket.IO server and sockets. */
import type { DefaultEventsMap, Server, Socket } from 'socket.io';
import type { Cursors } from '../../contract/recovery.ts';
import type { ClientToServer, ServerToClient } from '../../contract/socket.ts';
import type { Identity } from '../../contract/token.ts';

interface SocketData {
  /** Set by authentication, before the connection is accepted. */
  identity: Identity;
  device: string | undefined;
  /** The cursors that the client presented. */
  cursors: Cursors | undefined;
}

export type GatewayServer = Server<ClientToServer, ServerToClient, DefaultEventsMap, SocketData>;
export type GatewaySocket = Socket<ClientToServer, ServerToClient, DefaultEventsMap, SocketData>;
