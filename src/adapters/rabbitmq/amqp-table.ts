/**
 * Reads AMQP field tables from strangers, to a limited depth. What cannot be read is left out and reported, never
 * thrown. Values have amqplib's form, so that it can write them again. Where that form would lose digits or bytes,
 * they are an {@link AmqpValue}, or a Buffer for text that is not UTF-8.
 */
import { isUtf8 } from 'node:buffer';

/**
 * Nobody needs deeper tables and arrays, and they would overflow any recursive code. RabbitMQ's own have three
 * levels.
 */
export const MAX_TABLE_DEPTH = 32;

/**
 * A value with an AMQP type that JavaScript cannot express. amqplib writes an object with a `!` of its own as the
 * type named there.
 */
export class AmqpValue {
  readonly '!': string;
  /** Text for whole numbers beyond 2^53. */
  readonly value: unknown;

  constructor(type: 'timestamp' | 'decimal' | 'long' | 'double', value: unknown) {
    this['!'] = type;
    this.value = value;
  }
}

export interface TableFault {
  /** What is wrong, in words for the producer's developer. */
  readonly message: string;
  /** The headers that were left out. */
  readonly names: readonly string[];
  /** Everything after the fault is lost too, and its names are unknown. */
  readonly isCut: boolean;
}

type Table = Record<string, unknown>;

export interface ReadTable {
  readonly table: Table;
  readonly fault: TableFault | undefined;
}

/** @param end the end of the table; nothing after it is read, whatever lengths say */
export function readTable(bytes: Buffer, start: number, end: number): ReadTable {
  const reader = new Reader(bytes, start);
  const table: Table = {};
  const names: string[] = [];
  let message = '';
  while (reader.at < end) {
    let name = '';
    let valueAt = end;
    try {
      name = reader.name(end);
      valueAt = reader.at;
      put(table, name, reader.value(end, MAX_TABLE_DEPTH));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      message ||= error.message;
      const next = endOfValue(bytes, valueAt, end);
      if (next === undefined) return { table, fault: { message, names, isCut: true } };
      names.push(name);
      reader.at = next;
    }
  }
  return { table, fault: message === '' ? undefined : { message, names, isCut: false } };
}

class Unreadable extends Error {}

/** The end of a value that has its length before it. */
function endOfValue(bytes: Buffer, at: number, end: number): number | undefined {
  if (at + 5 > end || (bytes[at] !== TABLE && bytes[at] !== ARRAY)) return undefined;
  const next = at + 5 + bytes.readUInt32BE(at + 1);
  return next > end ? undefined : next;
}

const [TABLE, ARRAY] = [0x46, 0x41];

class Reader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  name(end: number): string {
    const length = this.#bytes[this.#take(1, end)] ?? 0;
    const at = this.#take(length, end);
    return this.#bytes.toString('utf8', at, at + length);
  }

  value(end: number, levels: number): unknown {
    const bytes = this.#bytes;
    const tag = bytes[this.#take(1, end)] ?? 0;
    switch (String.fromCharCode(tag)) {
      case 'S':
        return this.#text(end);
      case 'I':
        return bytes.readInt32BE(this.#take(4, end));
      case 'l':
      case 'L':
        return whole('long', bytes.readBigInt64BE(this.#take(8, end)), (safe) => safe);
      case 't':
        return bytes[this.#take(1, end)] !== 0;
      case 'V':
        return null;
      case 'T':
        return whole('timestamp', bytes.readBigUInt64BE(this.#take(8, end)), timestamp);
      case 'F':
        return this.#table(this.#endOf(end), levels);
      case 'A':
        return this.#array(this.#endOf(end), levels);
      case 'x':
        return this.#blob(end);
      case 'b':
        return bytes.readInt8(this.#take(1, end));
      case 'B':
        return bytes.readUInt8(this.#take(1, end));
      case 's':
        return bytes.readInt16BE(this.#take(2, end));
      case 'u':
        return bytes.readUInt16BE(this.#take(2, end));
      case 'i':
        return bytes.readUInt32BE(this.#take(4, end));
      case 'f':
        return double(bytes.readFloatBE(this.#take(4, end)));
      case 'd':
        return double(bytes.readDoubleBE(this.#take(8, end)));
      case 'D': {
        const at = this.#take(5, end);
        return new AmqpValue('decimal', { places: bytes[at], digits: bytes.readUInt32BE(at + 1) });
      }
      default:
        throw new Unreadable(`a header has the type 0x${tag.toString(16).padStart(2, '0')}, which is none`);
    }
  }

  #table(end: number, levels: number): Table {
    if (levels === 0) tooDeep();
    const table: Table = {};
    while (this.at < end) put(table, this.name(end), this.value(end, levels - 1));
    return table;
  }

  #array(end: number, levels: number): unknown[] {
    if (levels === 0) tooDeep();
    const values: unknown[] = [];
    while (this.at < end) values.push(this.value(end, levels - 1));
    return values;
  }

  #text(end: number): string | Buffer {
    const to = this.#endOf(end);
    const { at } = this;
    this.at = to;
    const text = this.#bytes.toString('utf8', at, to);
    if (!text.includes('\ufffd')) return text;
    // As text, two different invalid byte sequences could become equal.
    const blob = this.#bytes.subarray(at, to);
    return isUtf8(blob) ? text : blob;
  }

  #blob(end: number): Buffer {
    const to = this.#endOf(end);
    const blob = this.#bytes.subarray(this.at, to);
    this.at = to;
    return blob;
  }

  /** The end of what has its length before it. */
  #endOf(end: number): number {
    const length = this.#bytes.readUInt32BE(this.#take(4, end));
    if (this.at + length > end) throw new Unreadable('a header is longer than what it stands in');
    return this.at + length;
  }

  /** Skips these bytes, and returns where they began. */
  #take(count: number, end: number): number {
    const at = this.at;
    if (at + count > end) throw new Unreadable('the headers end in the middle of a value');
    this.at = at + count;
    return at;
  }
}

function tooDeep(): never {
  throw new Unreadable(`a header is nested deeper than ${MAX_TABLE_DEPTH}`);
}

/** Defines the member, because assigning to `__proto__` would change the table's prototype. */
function put(table: Table, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(table, name, { value, enumerable: true, configurable: true, writable: true });
  } else table[name] = value;
}

function whole<T>(type: 'long' | 'timestamp', value: bigint, safely: (value: number) => T): T | AmqpValue {
  const number = Number(value);
  return Number.isSafeInteger(number) ? safely(number) : new AmqpValue(type, String(value));
}

const timestamp = (seconds: number) => new AmqpValue('timestamp', seconds);

/** amqplib would write a larger one as a whole number, or fail. */
function double(value: number): number | AmqpValue {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : new AmqpValue('double', value);
}
