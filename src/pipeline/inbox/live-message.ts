/**
 * What is published to an audience's room: a short header of ours, then the Engine.IO text packet exactly as it
 * goes to the client, so that a gateway neither parses nor serialises it.
 *
 *     C1 <epoch> <offset> <flags> <published>\n42["notification",{…}]   from an append
 *     M1 <session>\n42["marks",{…}]                                     to a user's room, from the session that marked
 *
 * The first byte distinguishes them from the Redis adapter's own messages, which begin with `{` or a MessagePack map.
 * Flags are letters: `s` means that this event was chosen for the sampled log, `t` that its trace is recorded and goes
 * on in its `traceparent`. A reader ignores others. `published` is when the event was published, in
 * milliseconds since 1970. It may be missing, and a reader ignores what stands behind it.
 */
import type { Marks } from '../../contract/inbox.ts';
import { mendedJson } from '../../contract/json-text.ts';
import type { Cursor } from '../../contract/notification.ts';

const PREFIX = 'C1 ';
const NEWLINE = 0x0a;
/** Longest header: prefix, 16 of epoch, 16 of offset, 8 of flags, 13 of time, separators. */
const MAX_HEADER_BYTES = 64;

interface Flags {
  readonly sampled: boolean;
  readonly traced?: boolean | undefined;
}

interface HeaderEnd extends Flags {
  /** When its event was published, for measuring; at most {@link MAX_PUBLISHED_AT_MS}. */
  readonly publishedAtMs?: number | undefined;
}

/** As large as has room in the header; in the year 2286. */
export const MAX_PUBLISHED_AT_MS = 9_999_999_999_999;

export interface LiveMessage extends Cursor, HeaderEnd {
  /** `42["notification",{…}]`, UTF-8. */
  readonly packet: Buffer;
}

export function encodeLiveMessage(message: Cursor & HeaderEnd & { readonly json: string }): Buffer {
  const { epoch, offset, json } = message;
  return Buffer.from(`${PREFIX}${epoch} ${offset} ${headerEndOf(message)}\n${packetTextOf(json)}`);
}

/** What stands behind the offset. */
export function headerEndOf({ sampled, traced, publishedAtMs }: HeaderEnd): string {
  const flags = `${sampled ? 's' : ''}${traced ? 't' : ''}`;
  return publishedAtMs === undefined ? flags : `${flags} ${publishedAtMs}`;
}

/** The Engine.IO packet that carries a stored notification's JSON to a client. Versions before stored what is mended here. */
export function packetOf(json: string): Buffer {
  return Buffer.from(packetTextOf(mendedJson(json)));
}

function packetTextOf(json: string): string {
  return `${PACKET_BEGIN}${json}]`;
}

/** The reverse of {@link packetOf}. */
export function jsonOfPacket(packet: Buffer): string {
  return packet.toString('utf8', PACKET_BEGIN.length, packet.length - 1);
}

const PACKET_BEGIN = '42["notification",';
const BEHIND_SOURCE = Buffer.from('","type":"');

/**
 * Which event a packet carries: its `id` and `source`, to be compared and not to be read. Undefined when it has none.
 * encodeEvent puts `type` behind these two, and within a JSON string no quote stands unescaped.
 */
export function eventIn(packet: Buffer): string | undefined {
  const end = packet.indexOf(BEHIND_SOURCE);
  return end === -1 ? undefined : packet.toString('latin1', PACKET_BEGIN.length, end);
}

/** Undefined for bytes that are not ours; they belong to the adapter. */
export function decodeLiveMessage(bytes: Buffer): LiveMessage | undefined {
  if (bytes[0] !== PREFIX.charCodeAt(0) || bytes[1] !== PREFIX.charCodeAt(1)) return undefined;
  const end = bytes.indexOf(NEWLINE);
  if (end === -1 || end >= MAX_HEADER_BYTES) return undefined;
  const header = bytes.toString('latin1', PREFIX.length, end);
  // By hand: each notification for each node comes this way.
  const epochEnd = header.indexOf(' ');
  const offsetEnd = header.indexOf(' ', epochEnd + 1);
  if (epochEnd === -1 || offsetEnd === -1) return undefined;
  const flagsEnd = header.indexOf(' ', offsetEnd + 1);
  const isPublishedMissing = flagsEnd === -1;
  const flags = header.slice(offsetEnd + 1, isPublishedMissing ? header.length : flagsEnd);
  return {
    epoch: header.slice(0, epochEnd),
    offset: Number(header.slice(epochEnd + 1, offsetEnd)),
    sampled: flags.includes('s'),
    traced: flags.includes('t'),
    packet: bytes.subarray(end + 1),
    // Whatever may once stand behind it is not read.
    publishedAtMs: isPublishedMissing ? undefined : Number.parseInt(header.slice(flagsEnd + 1), 10),
  };
}

export interface MarksMessage {
  /** The session that made the change; it knows already. */
  readonly origin: string;
  /** `42["marks",{…}]`, UTF-8. */
  readonly packet: Buffer;
}

const MARKS_PREFIX = 'M1 ';

export function encodeMarksMessage(origin: string, marks: Marks): Buffer {
  return Buffer.from(`${MARKS_PREFIX}${origin}\n42["marks",${JSON.stringify(marks)}]`);
}

/** Undefined for bytes that are something else. */
export function decodeMarksMessage(bytes: Buffer): MarksMessage | undefined {
  if (bytes.toString('latin1', 0, MARKS_PREFIX.length) !== MARKS_PREFIX) return undefined;
  const end = bytes.subarray(0, MAX_HEADER_BYTES).indexOf(NEWLINE);
  if (end === -1) return undefined;
  return {
    origin: bytes.toString('latin1', MARKS_PREFIX.length, end),
    packet: bytes.subarray(end + 1),
  };
}
