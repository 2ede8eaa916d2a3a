/** What a session may send: as the server sends it, or, for servers that do not, what no usual one refuses. */
import type { ClientLimits } from '../../contract/client-limits.ts';

export type Limits = Pick<
  ClientLimits,
  | 'messageMaxBytes'
  | 'messagesAtOnce'
  | 'messagesPerSecond'
  | 'topicsPerRequest'
  | 'cursorsPerRequest'
  | 'idsPerMark'
>;

/** Of a server that sends none. It knows no lists of topics. What is too large for it, it says itself. */
export const DEFAULT_LIMITS: Limits = {
  messageMaxBytes: Number.POSITIVE_INFINITY,
  messagesAtOnce: 10,
  messagesPerSecond: 5,
  topicsPerRequest: 1,
  cursorsPerRequest: 256,
  idsPerMark: 500,
};

/** What lists are cut to where the server does not say how large a message may be; half of its default. */
const DEFAULT_LIST_BYTES = 8_192;

/** Of a message, besides its text: the packets' types, and the acknowledgement's number. */
const AROUND_BYTES = 12;

/** In a list's message, besides its entries: names. */
const NAMES_BYTES = 80;

/** Of the message in which it is sent. */
export function bytesOf(content: unknown): number {
  // JSON has no lone surrogates, which this could not bear.
  return encodeURIComponent(JSON.stringify(content)).replace(/%../g, 'x').length + AROUND_BYTES;
}

/** Parts of a list that each fit in one message of at most `max` entries. What fits in none is a part of its own. */
export function partsOf<T>(list: readonly T[], max: number, { messageMaxBytes }: Limits): T[][] {
  const maxBytes = Number.isFinite(messageMaxBytes) ? messageMaxBytes : DEFAULT_LIST_BYTES;
  const parts: T[][] = [];
  let bytes = 0;
  for (const entry of list) {
    const more = bytesOf(entry) - AROUND_BYTES + 1;
    const part = parts.at(-1);
    if (part === undefined || part.length >= max || bytes + more > maxBytes) {
      parts.push([entry]);
      bytes = AROUND_BYTES + NAMES_BYTES + more;
    } else {
      part.push(entry);
      bytes += more;
    }
  }
  return parts;
}
