/**
 * Reads the content header of an AMQP message: its body's size and its properties. Never throws, whatever the bytes
 * are. Headers that cannot be read are left out, and {@link headersFault} reports them.
 */
import type { MessageProperties } from 'amqplib';
import { readTable, type TableFault } from './amqp-table.ts';

export interface ContentHeader {
  readonly bodyBytes: number;
  readonly properties: MessageProperties;
}

/** A symbol, so that it collides with no header and amqplib does not write it. */
const FAULT = Symbol('what could not be read');

/** Undefined when all headers could be read. */
export function headersFault(headers: object | undefined): TableFault | undefined {
  const fault: unknown = headers === undefined ? undefined : Reflect.get(headers, FAULT);
  return isFault(fault) ? fault : undefined;
}

function isFault(value: unknown): value is TableFault {
  return typeof value === 'object' && value !== null;
}

/** In the order of the protocol, each with its flag. */
const TEXTS_BEFORE_HEADERS = [
  ['contentType', 0x8000],
  ['contentEncoding', 0x4000],
] as const;
const HEADERS = 0x2000;
const OCTETS = [
  ['deliveryMode', 0x1000],
  ['priority', 0x0800],
] as const;
const TEXTS_BEFORE_TIMESTAMP = [
  ['correlationId', 0x0400],
  ['replyTo', 0x0200],
  ['expiration', 0x0100],
  ['messageId', 0x0080],
] as const;
const TIMESTAMP = 0x0040;
const TEXTS_AT_THE_END = [
  ['type', 0x0020],
  ['userId', 0x0010],
  ['appId', 0x0008],
  ['clusterId', 0x0004],
] as const;
/** More flags follow, for properties that AMQP 0-9-1 does not have. */
const MORE_FLAGS = 0x0001;

/** After class and weight (two bytes each) come the body's size (eight bytes) and the flags. */
const [SIZE_AT, FLAGS_AT, PROPERTIES_AT] = [4, 12, 14];

/** The properties of a message without any, as amqplib returns them. */
export function noProperties(): MessageProperties {
  return {
    contentType: undefined,
    contentEncoding: undefined,
    headers: undefined,
    deliveryMode: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    expiration: undefined,
    messageId: undefined,
    timestamp: undefined,
    type: undefined,
    userId: undefined,
    appId: undefined,
    clusterId: undefined,
  };
}

/** @param payload the payload of a frame of type 2 */
export function readContentHeader(payload: Buffer): ContentHeader {
  const properties = noProperties();
  const bodyBytes = payload.length < FLAGS_AT ? 0 : Number(payload.readBigUInt64BE(SIZE_AT));
  if (!readProperties(payload, properties)) {
    const message = 'the properties end in the middle of one';
    properties.headers = faulty(properties.headers ?? {}, { message, names: [], isCut: true });
  }
  return { bodyBytes, properties };
}

/** Returns false when the bytes end too early. */
function readProperties(payload: Buffer, properties: MessageProperties): boolean {
  if (payload.length < PROPERTIES_AT) return false;
  const flags = payload.readUInt16BE(FLAGS_AT);
  if ((flags & MORE_FLAGS) !== 0) return false;
  let at = PROPERTIES_AT;
  const texts = (names: readonly (readonly [keyof MessageProperties, number])[]): boolean => {
    for (const [name, flag] of names) {
      if ((flags & flag) === 0) continue;
      const to = at + 1 + (payload[at] ?? 0);
      if (at >= payload.length || to > payload.length) return false;
      properties[name] = payload.toString('utf8', at + 1, to);
      at = to;
    }
    return true;
  };
  if (!texts(TEXTS_BEFORE_HEADERS)) return false;
  if ((flags & HEADERS) !== 0) {
    if (at + 4 > payload.length) return false;
    const to = at + 4 + payload.readUInt32BE(at);
    const { table, fault } = readTable(payload, at + 4, Math.min(to, payload.length));
    properties.headers = fault === undefined ? table : faulty(table, fault);
    if (to > payload.length) return false;
    at = to;
  }
  for (const [name, flag] of OCTETS) {
    if ((flags & flag) === 0) continue;
    if (at >= payload.length) return false;
    properties[name] = payload[at];
    at += 1;
  }
  if (!texts(TEXTS_BEFORE_TIMESTAMP)) return false;
  if ((flags & TIMESTAMP) !== 0) {
    if (at + 8 > payload.length) return false;
    properties.timestamp = Number(payload.readBigUInt64BE(at));
    at += 8;
  }
  return texts(TEXTS_AT_THE_END);
}

function faulty(headers: object, fault: TableFault) {
  return Object.defineProperty(headers, FAULT, { value: headersFault(headers) ?? fault });
}
