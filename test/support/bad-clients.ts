/** Clients that behave badly. Each kind goes on until it is stopped. */
import { connect, type Socket } from 'node:net';
import { LightClient } from './light-client.ts';
import { openSession } from './raw-socket.ts';
import type { TcpProxy } from './tcp-proxy.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 60_000;
const UPGRADE = [
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n');

export interface BadClients {
  /** What the clients have done so far, for a report. */
  readonly counts: Readonly<Record<string, number>>;
  stop(): void;
}

/**
 * They read until they have a session; then they stop reading but still answer pings. When the server cuts them off,
 * they come back with their cursors and do it again.
 */
export function neverReading(url: string, tokens: readonly string[]): BadClients {
  const clients = tokens.map((token) => new LightClient([url], token));
  for (const client of clients) client.onSession = () => client.stopReading();
  return {
    get counts() {
      return {
        sessions: sum(clients, ({ sessions }) => sessions),
        'not recovered': sum(clients, ({ unrecovered }) => unrecovered),
      };
    },
    stop: () => closeAll(clients),
  };
}

/** Like {@link neverReading}, but they do not come back. Resolves when all have a session and have stopped reading. */
export async function stuck(url: string, tokens: readonly string[]): Promise<BadClients> {
  const sockets = await Promise.all(tokens.map((token) => openSession(url, token)));
  for (const socket of sockets) socket.stopReading();
  return {
    counts: { sessions: sockets.length },
    stop: () => {
      for (const socket of sockets) socket.close();
    },
  };
}

/** Each client drops its connection without a close, and reconnects every `everyMs`. */
export function dropping(url: string, tokens: readonly string[], everyMs: number): BadClients {
  const clients = new Map<string, LightClient>();
  let sessions = 0;
  let drops = 0;
  const next = (token: string) => {
    const last = clients.get(token);
    if (last !== undefined) drops += 1;
    last?.close();
    const client = new LightClient([url], token);
    client.onSession = () => {
      sessions += 1;
    };
    clients.set(token, client);
  };
  const timers = new Set<NodeJS.Timeout>();
  for (const [i, token] of tokens.entries()) {
    const begin = setTimeout(
      () => {
        next(token);
        timers.add(setInterval(() => next(token), everyMs));
      },
      (i / tokens.length) * everyMs,
    );
    timers.add(begin);
  }
  return {
    get counts() {
      return { sessions, drops };
    },
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
      closeAll([...clients.values()]);
    },
  };
}

/** They get their sessions through the proxy. Then the proxy passes nothing any more: no FIN, no RST. */
export async function halfOpen(proxy: TcpProxy, tokens: readonly string[]): Promise<BadClients> {
  const clients = tokens.map((token) => new LightClient([`http://127.0.0.1:${proxy.port}`], token));
  await until('sessions through the proxy', TIMEOUT_MS, () =>
    clients.every(({ isConnected }) => isConnected),
  );
  proxy.blackHole();
  return {
    counts: { sessions: clients.length },
    stop: () => {
      proxy.cut();
      closeAll(clients);
    },
  };
}

export interface Silent extends BadClients {
  /** Ends the flood. Open connections stay until the server closes them. */
  cease(): void;
  readonly open: number;
}

/** Opens `perSecond` new connections a second. Half of them open a WebSocket, the others send nothing. */
export function silent(url: string, perSecond: number): Silent {
  const port = Number(new URL(url).port);
  const sockets = new Set<Socket>();
  let opened = 0;
  let closed = 0;
  const timer = setInterval(() => {
    const isUpgrading = opened % 2 === 0;
    opened += 1;
    const socket = connect({ host: '127.0.0.1', port });
    sockets.add(socket);
    if (isUpgrading) socket.write(UPGRADE);
    // Without reading, the socket would not notice its end.
    socket.resume();
    socket.on('error', () => {});
    socket.once('close', () => {
      if (sockets.delete(socket)) closed += 1;
    });
  }, 1_000 / perSecond);
  return {
    get counts() {
      return { opened, 'closed by the server': closed };
    },
    get open() {
      return sockets.size;
    },
    cease: () => clearInterval(timer),
    stop: () => {
      clearInterval(timer);
      const open = [...sockets];
      sockets.clear();
      for (const socket of open) socket.destroy();
    },
  };
}

function closeAll(clients: readonly LightClient[]): void {
  for (const client of clients) client.close();
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
