/**
 * A client on a bare TCP socket, so that a thousand of them cost little. It opens a WebSocket, speaks only the
 * necessary part of Engine.IO and Socket.IO, and reads little more than the headers of frames.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { constants, inflateRawSync } from 'node:zlib';
import { z } from 'zod';

export interface Protocol {
  /** The path of the upgrade request. */
  readonly path: string;
  /** Where the token goes: into Socket.IO's CONNECT packet, or into the upgrade's Authorization header. */
  readonly tokenIn: 'connect' | 'header';
  /** The beginning of the first message to the application. After it, the client counts as connected. */
  readonly firstMessage: string;
  readonly offersDeflate: boolean;
}

export interface ClientOptions extends Protocol {
  readonly port: number;
  readonly token: string;
  /** Whether to decompress all notifications instead of only the first one. @default false */
  readonly readsAll?: boolean;
  /** `nth`: 0 for the client's first notification. `text` is complete only for notifications that the client reads. */
  readonly onNotification: (nth: number, text: string) => void;
  readonly onFailure: (error: Error) => void;
}

const NOTIFICATION = '42["notification",';
const notificationSchema = z.tuple([
  z.literal('notification'),
  z.object({ id: z.string(), data: z.object({ title: z.string() }) }),
]);

const TEXT = 1;
const CLOSE = 8;
const COMPRESSED_BIT = 0x40;
const PING = '2'.charCodeAt(0);
/** Far more than a compressed ping, and far less than a compressed notification. */
const MAX_COMPRESSED_PING_BYTES = 12;
const END_OF_HEAD = '\r\n\r\n';
const NOTHING = Buffer.alloc(0);

/** As far back as deflate can refer. */
const WINDOW_BYTES = 32_768;

/** All bytes are handled before the next read, so one buffer is enough for all sockets. */
const received = Buffer.allocUnsafe(65_536);

export class Client {
  /** Resolves when the first message to the application has arrived. */
  readonly connected: Promise<void>;
  bytes = 0;
  notifications = 0;
  deflate = false;
  readonly #options: ClientOptions;
  readonly #socket: Socket;
  #resolveConnected = () => {};
  #state: 'upgrading' | 'opening' | 'listening' | 'closed' = 'upgrading';
  /** The beginning of an incomplete frame, or of an incomplete answer to the upgrade. */
  #rest: Buffer = NOTHING;
  /** The end of the data decompressed so far: the server may refer back to it. */
  #context: Buffer = NOTHING;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.connected = new Promise((resolve) => {
      this.#resolveConnected = resolve;
    });
    const onread = { buffer: received, callback: (size: number) => this.#take(size) };
    this.#socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true, onread });
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('the server closed the connection'));
    this.#socket.write(this.#upgrade());
  }

  close(): void {
    this.#state = 'closed';
    this.#socket.destroy();
  }

  #upgrade(): string {
    const { path, port, offersDeflate, tokenIn, token } = this.#options;
    return [
      `GET ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...(offersDeflate ? ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'] : []),
      ...(tokenIn === 'header' ? [`Authorization: Bearer ${token}`] : []),
      END_OF_HEAD.slice(2),
    ].join('\r\n');
  }

  #take(size: number): boolean {
    this.bytes += size;
    const fresh = received.subarray(0, size);
    let bytes: Buffer = this.#rest.length === 0 ? fresh : Buffer.concat([this.#rest, fresh]);
    if (this.#state === 'upgrading') bytes = this.#takeHead(bytes);
    else if (this.#state === 'closed') return true;
    if (this.#state === 'opening' || this.#state === 'listening') bytes = this.#takeFrames(bytes);
    this.#rest = bytes.length === 0 ? NOTHING : Buffer.from(bytes);
    return true;
  }

  /** Returns the bytes behind the answer to the upgrade, or all bytes while that answer is incomplete. */
  #takeHead(bytes: Buffer): Buffer {
    const end = bytes.indexOf(END_OF_HEAD);
    if (end === -1) return bytes;
    const head = bytes.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 101')) {
      this.#fail(`the upgrade was refused: ${head}`);
      return NOTHING;
    }
    this.deflate = /^sec-websocket-extensions:.*permessage-deflate/im.test(head);
    this.#state = 'opening';
    return bytes.subarray(end + END_OF_HEAD.length);
  }

  /** Returns the beginning of an incomplete frame. */
  #takeFrames(bytes: Buffer): Buffer {
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = (bytes[at + 1] ?? 0) & 0x7f;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length - at < head) break;
      const size =
        short === 126
          ? bytes.readUInt16BE(at + 2)
          : short === 127
            ? Number(bytes.readBigUInt64BE(at + 2))
            : short;
      const end = at + head + size;
      if (bytes.length < end) break;
      this.#takeFrame(bytes[at] ?? 0, bytes, at + head, end);
      at = end;
    }
    return bytes.subarray(at);
  }

  #takeFrame(first: number, bytes: Buffer, start: number, end: number): void {
    const opcode = first & 0x0f;
    const isCompressed = (first & COMPRESSED_BIT) !== 0;
    if (opcode === CLOSE) this.#fail('the server sent a close frame');
    else if (opcode !== TEXT) this.#fail(`a frame with opcode ${opcode}`);
    else if (this.#state === 'opening') this.#open(this.#textOf(bytes.subarray(start, end), isCompressed));
    else if (isPing(bytes, start, end, isCompressed)) this.#socket.write(maskedText('3'));
    else this.#count(bytes, start, end, isCompressed);
  }

  #open(text: string): void {
    if (text.startsWith(this.#options.firstMessage)) {
      this.#state = 'listening';
      this.#resolveConnected();
    } else if (text.startsWith('0{')) {
      this.#socket.write(maskedText(`40${JSON.stringify({ token: this.#options.token })}`));
    } else if (!text.startsWith('40{')) {
      this.#fail(`unexpected: ${text.slice(0, 200)}`);
    }
  }

  #count(bytes: Buffer, start: number, end: number, isCompressed: boolean): void {
    // The first notification is read completely, as proof that a client can read these frames.
    const isRead = this.notifications === 0 || this.#options.readsAll === true;
    const text = isRead ? this.#textOf(bytes.subarray(start, end), isCompressed) : NOTIFICATION;
    const looksRight =
      isCompressed || bytes.toString('latin1', start, start + NOTIFICATION.length) === NOTIFICATION;
    if (!looksRight || (isRead && !isNotification(text))) {
      this.#fail(`not a notification: ${bytes.toString('utf8', start, Math.min(end, start + 200))}`);
      return;
    }
    this.notifications += 1;
    this.#options.onNotification(this.notifications - 1, text);
  }

  #textOf(payload: Buffer, isCompressed: boolean): string {
    if (!isCompressed) return payload.toString();
    const plain = inflateRawSync(payload, {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(this.#context.length === 0 ? {} : { dictionary: this.#context }),
    });
    this.#context = Buffer.concat([this.#context, plain]).subarray(-WINDOW_BYTES);
    return plain.toString();
  }

  #fail(reason: string): void {
    if (this.#state === 'closed') return;
    this.close();
    this.#options.onFailure(new Error(`a client failed: ${reason}`));
  }
}

function isPing(bytes: Buffer, start: number, end: number, isCompressed: boolean): boolean {
  if (isCompressed) return end - start <= MAX_COMPRESSED_PING_BYTES;
  return end - start === 1 && bytes[start] === PING;
}

function isNotification(text: string): boolean {
  return text.startsWith(NOTIFICATION) && notificationSchema.safeParse(JSON.parse(text.slice(2))).success;
}

/** The masking key is zero, which leaves the payload as it is. The server unmasks it like any other. */
function maskedText(text: string): Buffer {
  const payload = Buffer.from(text);
  const isLong = payload.length > 125;
  const head = Buffer.alloc(isLong ? 8 : 6);
  head[0] = 0x80 | TEXT;
  head[1] = 0x80 | (isLong ? 126 : payload.length);
  if (isLong) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
