/**
 * Text of strangers (ids, titles, reasons, addresses of pages) for places where somebody reads it: terminals, logs,
 * messages. Control characters could move the cursor, recolour a terminal or make it answer; marks of direction could
 * show one name as another; what is invisible could hide in it. JSON writes only the first 32 of them in another way.
 */

/** All that is not seen for itself: controls (also those of U+0080 to U+009F), formats, separators of lines, halves of pairs. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?![\ufe00-\ufe0f])\p{Default_Ignorable_Code_Point}/gu;

/** What is plain ASCII, as most is, need not be searched for all of those. */
const NOT_PLAIN = /[^\t\n\x20-\x7e]/;

/** Each of them as in JSON, `\u001b`; line ends and tabs stay. In JSON text this changes nothing of what it says. */
export function visible(text: string): string {
  if (!NOT_PLAIN.test(text)) return text;
  return text.replace(UNSEEN, (found) => (found === '\n' || found === '\t' ? found : escapeOf(found)));
}

/** The same as one line. */
export function visibleLine(text: string): string {
  return visible(text.replace(/[\t\n\v\f\r]+/g, ' '));
}

/** Two escapes for a character beyond U+FFFF, as JSON has it. */
function escapeOf(found: string): string {
  return Array.from({ length: found.length }, (_, i) => {
    const code = found.charCodeAt(i).toString(16).padStart(4, '0');
    return `\\u${code}`;
  }).join('');
}
