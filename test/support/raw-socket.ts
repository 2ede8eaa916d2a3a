/** A WebSocket to Carillon's Socket.IO port that sends any packets. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { framesOf } from './contracts/watch.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 20_000;
const BLIND_PONG_EVERY_MS = 1_000;

export interface RawSocket {
  /** Every packet that has arrived, as text. */
  readonly received: readonly string[];
  readonly isClosed: boolean;
  send(...packets: readonly (string | Uint8Array)[]): void;
  /** Resolves when a packet that begins with `start` has arrived, or the connection has closed. */
  heard(start: string): Promise<boolean>;
  closed(): Promise<void>;
  /** Stops reading for good, but keeps sending pongs without having seen a ping. */
  stopReading(): void;
  close(): void;
}

/** Resolves when the WebSocket is open. Nothing has been sent yet. */
export async function openRawSocket(
  url: string,
  path = '/socket.io/?EIO=4&transport=websocket',
  origin?: string,
) {
  const options = origin === undefined ? {} : { origin };
  const webSocket = new WebSocket(`${url.replace('http', 'ws')}${path}`, options);
  const frames = framesOf(url);
  const received: string[] = [];
  let isClosed = false;
  webSocket.on('message', (data, isBinary) => {
    if (isBinary) return;
    received.push(String(data));
    frames?.came(String(data));
  });
  // An abnormal close by the server also raises an error. The 'close' event handles it.
  webSocket.on('error', () => {});
  webSocket.on('close', () => {
    isClosed = true;
  });
  await Promise.race([once(webSocket, 'open'), once(webSocket, 'close')]);
  const socket: RawSocket = {
    received,
    get isClosed() {
      return isClosed;
    },
    send: (...packets) => {
      for (const packet of packets) {
        if (webSocket.readyState !== WebSocket.OPEN) continue;
        webSocket.send(packet);
        if (typeof packet === 'string') frames?.sent(packet);
      }
    },
    heard: async (start) => {
      const has = () => received.some((packet) => packet.startsWith(start));
      await until(`a packet ${start}`, TIMEOUT_MS, () => isClosed || has());
      return has();
    },
    closed: () => until('the server to close', TIMEOUT_MS, () => isClosed),
    stopReading: () => {
      webSocket.pause();
      const pongs = setInterval(() => webSocket.send('3', () => {}), BLIND_PONG_EVERY_MS);
      webSocket.on('close', () => clearInterval(pongs));
    },
    close: () => webSocket.terminate(),
  };
  return socket;
}

/** Opens a socket and waits for its session. */
export async function openSession(url: string, token: string): Promise<RawSocket> {
  const socket = await openRawSocket(url);
  socket.send(`40${JSON.stringify({ token })}`);
  if (!(await socket.heard('42["session"'))) throw new Error(`no session: ${socket.received}`);
  return socket;
}
