/**
 * A producer that writes its own AMQP frames, with any bytes as routing key and properties. Client libraries would
 * refuse some.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

const [METHOD, HEADER, BODY] = [1, 2, 3];
const FRAME_END = 0xce;
const FRAME_HEADER_BYTES = 7;
const MAX_BODY_BYTES = 131_064;

/** Method ids: class and method in one number. */
const START = 0x000a_000a;
const TUNE = 0x000a_001e;
const CONNECTION_OPEN_OK = 0x000a_0029;
const CONNECTION_CLOSE = 0x000a_0032;
const CHANNEL_OPEN_OK = 0x0014_000b;
const CHANNEL_CLOSE = 0x0014_0028;
const SELECT_OK = 0x0055_000b;
const ACK = 0x003c_0050;
const NACK = 0x003c_0078;

export interface RawMessage {
  readonly exchange?: string;
  /** At most 255 bytes. */
  readonly routingKey?: Uint8Array | string;
  /** The part of the content header behind the body's size: the flags, and the properties that they announce. */
  readonly properties: Uint8Array;
  readonly body?: Uint8Array;
}

export class RawProducer {
  readonly #url: URL;
  #socket: Socket | undefined;
  #methods: AsyncGenerator<Method> | undefined;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** True when RabbitMQ has confirmed the message, false when it closed the connection or the channel because of it. */
  async publish({
    exchange = 'carillon.events',
    routingKey = 'raw',
    properties,
    body = Buffer.alloc(0),
  }: RawMessage) {
    const socket = await this.#open();
    socket.cork();
    write(socket, METHOD, id(0x003c_0028), Buffer.of(0, 0), short(exchange), short(routingKey), Buffer.of(0));
    const size = Buffer.alloc(8);
    size.writeBigUInt64BE(BigInt(body.length));
    write(socket, HEADER, Buffer.of(0, 60, 0, 0), size, properties);
    for (let at = 0; at < body.length; at += MAX_BODY_BYTES) {
      write(socket, BODY, body.subarray(at, at + MAX_BODY_BYTES));
    }
    socket.uncork();
    const answer = (await this.#methods?.next())?.value?.id;
    if (answer === ACK) return true;
    if (answer === NACK) throw new Error('RabbitMQ took a message and did not keep it');
    this.close();
    return false;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #open(): Promise<Socket> {
    if (this.#socket !== undefined) return this.#socket;
    const { hostname, port, username, password, pathname } = this.#url;
    const socket = createConnection(Number(port), hostname);
    socket.setNoDelay(true);
    // RabbitMQ may close the connection because of a message.
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1'));
    this.#methods = methodsFrom(socket);
    const expect = async (wanted: number) => {
      const method = (await this.#methods?.next())?.value;
      if (method?.id !== wanted) throw new Error(`RabbitMQ answered ${method?.id.toString(16)}`);
      return method.payload;
    };
    await expect(START);
    const response = long(`\0${decodeURIComponent(username)}\0${decodeURIComponent(password)}`);
    writeOn(socket, 0, id(0x000a_000b), long(''), short('PLAIN'), response, short('en_US'));
    // Accepts the values that RabbitMQ proposes, but without heartbeats.
    writeOn(socket, 0, id(0x000a_001f), (await expect(TUNE)).subarray(4, 10), Buffer.of(0, 0));
    writeOn(socket, 0, id(0x000a_0028), short(decodeURIComponent(pathname.slice(1))), Buffer.of(0, 0));
    await expect(CONNECTION_OPEN_OK);
    write(socket, METHOD, id(0x0014_000a), short(''));
    await expect(CHANNEL_OPEN_OK);
    write(socket, METHOD, id(0x0055_000a), Buffer.of(0));
    await expect(SELECT_OK);
    this.#socket = socket;
    return socket;
  }
}

interface Method {
  readonly id: number;
  /** The frame's payload, with the method id at its start. */
  readonly payload: Buffer;
}

/** Ends when the server closes the connection or the channel. */
async function* methodsFrom(socket: Socket): AsyncGenerator<Method> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= FRAME_HEADER_BYTES) {
        const size = rest.readUInt32BE(3);
        if (rest.length <= FRAME_HEADER_BYTES + size) break;
        const payload = rest.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + size);
        const isMethod = rest[0] === METHOD;
        rest = rest.subarray(FRAME_HEADER_BYTES + size + 1);
        if (!isMethod) continue;
        const method = { id: payload.readUInt32BE(0), payload };
        if (method.id === CONNECTION_CLOSE || method.id === CHANNEL_CLOSE) return;
        yield method;
      }
    }
  } catch {
    // RabbitMQ has cut the connection.
  }
}

function write(socket: Socket, type: number, ...parts: readonly Uint8Array[]): void {
  writeFrame(socket, type, 1, parts);
}

function writeOn(socket: Socket, channel: number, ...parts: readonly Uint8Array[]): void {
  writeFrame(socket, METHOD, channel, parts);
}

function writeFrame(socket: Socket, type: number, channel: number, parts: readonly Uint8Array[]): void {
  const payload = Buffer.concat(parts);
  const head = Buffer.alloc(FRAME_HEADER_BYTES);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  socket.write(Buffer.concat([head, payload, Buffer.of(FRAME_END)]));
}

function id(method: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(method);
  return bytes;
}

function short(text: Uint8Array | string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function long(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
