/**
 * Ids of users, departments and topics: which texts are ids, and how they are written where only some characters may
 * stand, as in the names of Redis' keys and channels.
 */

/** Characters are code points, as JSON Schema counts them. In UTF-8 an id has up to 512 bytes, encoded up to 1,536. */
const MAX_ID_CHARACTERS = 128;

/** Text that is longer becomes no id by being normalised: composing makes one character of four at most. */
const MAX_UNITS_TO_NORMALISE = 8 * MAX_ID_CHARACTERS;

/** What most ids consist of. These characters stand for themselves wherever an id is encoded. */
const PLAIN = /^[A-Za-z0-9._~@:+-]{1,128}$/;
const TO_ENCODE = /[^A-Za-z0-9._~@:+-]/;
const RUNS_TO_ENCODE = /[^A-Za-z0-9._~@:+-]+/gu;
/** encodeURIComponent leaves these as they are. */
const LEFT_BY_URI = /[!'()*]/g;

/**
 * Controls, line separators, marks of direction, and whatever else is not seen for itself: two ids that differ in nothing
 * else look alike. U+FFFD stands for text that was broken on its way, whatever it was.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}\ufffd]/u;
/** Joiners are letters of Arabic and Indian spelling and glue of emoji, and there they are seen. */
const SEEN_JOINERS =
  /(?<=\p{Script=Arabic}|\p{Script=Syriac}|\p{Script=Mongolian}|\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f|(?!\p{Script=Inherited})\p{M})[\u200c\u200d](?=\p{L}|\p{M}|\p{Extended_Pictographic})|(?<=\p{Extended_Pictographic})\ufe0f/gu;

/** The same text as everybody else writes it (NFC): `é` is one character, and not `e` with an accent behind it. */
export function normalised(text: string): string {
  return text.length > MAX_UNITS_TO_NORMALISE ? text : text.normalize('NFC');
}

/** What keeps a text from being an id, and what would be right; undefined for an id. MUST be {@link normalised}. */
export function faultOfId(text: string): string | undefined {
  if (PLAIN.test(text)) return undefined;
  if (text === '') return 'an id has at least one character';
  if (isLongerThan(MAX_ID_CHARACTERS, text)) return `an id has at most ${MAX_ID_CHARACTERS} characters`;
  if (!text.isWellFormed()) return 'an id is well-formed Unicode, without halves of pairs';
  if (/[,{}]/.test(text)) return 'an id has no commas and no braces';
  if (text.trim() !== text) return 'an id has no spaces at its ends';
  if (UNSEEN.test(text.replace(SEEN_JOINERS, ''))) return 'an id has no control or invisible characters';
  return text.normalize('NFC') === text ? undefined : 'an id is normalised (NFC)';
}

/** As {@link faultOfId}, for topics: `*` and `#` are signs of patterns. */
export function faultOfTopic(text: string): string | undefined {
  return faultOfId(text) ?? (/[*#]/.test(text) ? 'a topic has no * and no #' : undefined);
}

/** The last that was encoded: all keys of an audience are named one after the other. */
let [lastText, lastEncoded] = ['', ''];

/** Percent-encodes what is not {@link PLAIN}, as UTF-8. Different texts stay different. MUST be well-formed. */
export function encodeId(text: string): string {
  if (!TO_ENCODE.test(text)) return text;
  if (text !== lastText) [lastText, lastEncoded] = [text, encodedAnew(text)];
  return lastEncoded;
}

function encodedAnew(text: string): string {
  return text.replace(RUNS_TO_ENCODE, (run) => encodeURIComponent(run).replace(LEFT_BY_URI, percentOf));
}

/** Undefined for what {@link encodeId} has not made. */
export function decodeId(encoded: string): string | undefined {
  if (!TO_ENCODE.test(encoded)) return encoded;
  try {
    const text = decodeURIComponent(encoded);
    return encodeId(text) === encoded ? text : undefined;
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return undefined;
  }
}

function percentOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function isLongerThan(most: number, text: string): boolean {
  if (text.length <= most) return false;
  return text.length > 2 * most || [...text].length > most;
}
