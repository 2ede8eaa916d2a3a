/** A plain Socket.IO client, like that of any app. It records what it receives. */
import { io, type Socket } from 'socket.io-client';
import type { Marks } from '../../src/contract/inbox.ts';
import type { Notification } from '../../src/contract/notification.ts';
import type { Goaway, Resync, Session } from '../../src/contract/socket.ts';
import { mayAskAnything } from './contracts/managers.ts';
import { until } from './until.ts';

/** Shorter than a test may take, so that the error names what the test was waiting for. */
const TIMEOUT_MS = 40_000;

export interface TestClient {
  readonly socket: Socket;
  /** The names of all messages, in the order in which they arrived. */
  readonly names: readonly string[];
  readonly notifications: readonly Notification[];
  readonly goaways: readonly Goaway[];
  readonly resyncs: readonly Resync[];
  /** The marks that other devices of the user made. */
  readonly marks: readonly Marks[];
  /** The newest `session` message. */
  session(): Promise<Session>;
  /** Resolves with the first `count` notifications once they have arrived. */
  received(count: number): Promise<readonly Notification[]>;
  /** Sends a request, and resolves with the answer. */
  ask(request: string, body?: unknown): Promise<unknown>;
  close(): void;
}

export interface ClientOptions {
  readonly transports?: ('polling' | 'websocket')[];
  readonly headers?: Record<string, string>;
  readonly reconnection?: boolean;
  /** The path under which Socket.IO is served. */
  readonly path?: string;
  /** The fields of `auth` besides the token. */
  readonly auth?: Readonly<Record<string, unknown>>;
}

/** Starts to connect. When `token` is undefined, the client sends none in `auth`. */
export function connectClient(
  url: string,
  token: string | undefined,
  options: ClientOptions = {},
): TestClient {
  const { transports = ['websocket'], headers = {}, reconnection = false, path = '/socket.io' } = options;
  const auth = token === undefined ? { ...options.auth } : { ...options.auth, token };
  const socket = io(url, { path, forceNew: true, reconnection, transports, auth, extraHeaders: headers });
  mayAskAnything(socket.io);
  const names: string[] = [];
  const notifications: Notification[] = [];
  const sessions: Session[] = [];
  const goaways: Goaway[] = [];
  const resyncs: Resync[] = [];
  const marks: Marks[] = [];
  let closeReason: string | undefined;
  socket.on('disconnect', (reason) => {
    closeReason = reason;
  });
  socket.on('connect', () => {
    closeReason = undefined;
  });
  socket.onAny((name: string) => names.push(name));
  socket.on('notification', (notification: Notification) => notifications.push(notification));
  socket.on('session', (session: Session) => sessions.push(session));
  socket.on('goaway', (goaway: Goaway) => goaways.push(goaway));
  socket.on('resync', (resync: Resync) => resyncs.push(resync));
  socket.on('marks', (changed: Marks) => marks.push(changed));
  return {
    socket,
    names,
    notifications,
    goaways,
    resyncs,
    marks,
    session: async () => {
      await until('the session', TIMEOUT_MS, () => sessions.length > 0);
      const session = sessions.at(-1);
      if (session === undefined) throw new Error('no session');
      return session;
    },
    received: async (count) => {
      try {
        await until(`${count} notifications`, TIMEOUT_MS, () => notifications.length >= count);
      } catch (cause) {
        const state = closeReason === undefined ? 'open' : `closed: ${closeReason}`;
        throw new Error(`${notifications.length} notifications came; the connection is ${state}`, { cause });
      }
      return notifications.slice(0, count);
    },
    ask: (request, body) => socket.timeout(TIMEOUT_MS).emitWithAck(request, body),
    close: () => void socket.disconnect(),
  };
}

/** The reason why a connection was refused: the error in the client's `connect_error`. */
export function refusalOf(client: TestClient): Promise<{ message: string; data: unknown }> {
  return new Promise((resolve) => {
    client.socket.once('connect_error', (error: Error & { data?: unknown }) => {
      resolve({ message: error.message, data: error.data });
    });
  });
}
