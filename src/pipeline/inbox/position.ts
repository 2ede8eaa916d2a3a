/**
 * The `next` of a page: where each log goes on, as text that clients only hand back. It MUST fit where requests do,
 * whatever the audiences and events are called, and however many they are. The long form has the names of audiences, and
 * earlier versions of this service read it too. Where it would be too long, the short form has digests of the names.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Audience, audienceSchema } from '../../contract/audience.ts';
import { readStored } from '../../contract/json.ts';
import { offsetSchema } from '../../contract/notification.ts';

/** Where a page begins. */
export interface Position {
  /** For each audience the newest offset that is not on an earlier page. */
  readonly offsets: Readonly<Partial<Record<Audience, number>>>;
  /** Digests of the identities at the end of the page before: copies of them may still come. */
  readonly shown: readonly string[];
}

/** A digest of two names is the same once in 2^48 times. */
const DIGEST_BYTES = 6;

/** Up to 2^53. */
const OFFSET_BYTES = 7;

/** No `next` of the long form is longer; the short form has 18 characters for an audience. */
const MAX_LONG = 2_048;

/** The first character of the short form; that of the long one, which is JSON in base64url, is `e`. */
const SHORT = '1';

const longSchema = z.object({
  offsets: z.partialRecord(audienceSchema, offsetSchema),
  /** In what earlier versions have written: the identities themselves. */
  shown: z.array(z.string()),
  digests: z.array(z.string()).optional(),
});

/** By which an event that was on a page is known again. */
export function digestOf(identity: string): string {
  return digest(identity).toString('base64url');
}

export function formatPosition({ offsets, shown }: Position): string {
  // A place where nothing is left is left out.
  const left = Object.entries(offsets).flatMap(([audience, offset = 0]) =>
    offset > 0 ? [[audience, offset] as const] : [],
  );
  const long = { offsets: Object.fromEntries(left), shown: [], digests: shown };
  const text = Buffer.from(JSON.stringify(long)).toString('base64url');
  if (text.length <= MAX_LONG) return text;
  const bytes = left.map(([audience, offset]) => {
    const place = Buffer.alloc(OFFSET_BYTES);
    place.writeUIntBE(Math.floor(offset / 2 ** 32), 0, 3);
    place.writeUInt32BE(offset % 2 ** 32, 3);
    return Buffer.concat([digest(audience), place]);
  });
  const count = Buffer.from([shown.length]);
  const known = shown.map((one) => Buffer.from(one, 'base64url'));
  return SHORT + Buffer.concat([count, ...known, ...bytes]).toString('base64url');
}

/** Undefined for what no page gave out. `audiences`: the user's, of which the short form knows but the digests. */
export function parsePosition(text: string, audiences: readonly Audience[]): Position | undefined {
  return text.startsWith(SHORT) ? parseShort(text.slice(SHORT.length), audiences) : parseLong(text);
}

function parseLong(text: string): Position | undefined {
  const long = readStored(longSchema, Buffer.from(text, 'base64url').toString());
  if (long === undefined) return undefined;
  const { offsets, shown, digests = [] } = long;
  return { offsets, shown: [...shown.map(digestOf), ...digests] };
}

function parseShort(text: string, audiences: readonly Audience[]): Position | undefined {
  const bytes = Buffer.from(text, 'base64url');
  const places = 1 + (bytes[0] ?? 0) * DIGEST_BYTES;
  if ((bytes.length - places) % (DIGEST_BYTES + OFFSET_BYTES) !== 0 || bytes.length < places)
    return undefined;
  const shown: string[] = [];
  for (let at = 1; at < places; at += DIGEST_BYTES) {
    shown.push(bytes.toString('base64url', at, at + DIGEST_BYTES));
  }
  const found = new Map<string, number>();
  for (let at = places; at < bytes.length; at += DIGEST_BYTES + OFFSET_BYTES) {
    const high = bytes.readUIntBE(at + DIGEST_BYTES, 3);
    const low = bytes.readUInt32BE(at + DIGEST_BYTES + 3);
    found.set(bytes.toString('base64url', at, at + DIGEST_BYTES), high * 2 ** 32 + low);
  }
  const offsets = audiences.map((audience) => [audience, found.get(digestOf(audience)) ?? 0] as const);
  if (offsets.some(([, offset]) => !Number.isSafeInteger(offset))) return undefined;
  return { offsets: Object.fromEntries(offsets), shown };
}

function digest(name: string): Buffer {
  return createHash('sha256').update(name).digest().subarray(0, DIGEST_BYTES);
}
