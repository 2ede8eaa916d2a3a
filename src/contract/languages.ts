/** Which of several texts somebody reads: lookup as in RFC 4647, with a fallback so that there is always one. */
import type { DisplayTexts } from './display.ts';

export interface PickedText {
  readonly text: string;
  /** Its BCP 47 tag; undefined when the text names no language. */
  readonly language: string | undefined;
}

/** Nobody reads more; each of them is looked for. */
const MAX_LANGUAGES = 20;

/**
 * For each language, the most wanted first: the text in exactly that language, then in the same one said less exactly
 * (`zh-Hant-TW`, `zh-Hant`, `zh`), then in any other form of it (`pt-PT` for `pt-BR`). Else the first of the texts.
 */
export function pickText(
  texts: DisplayTexts | undefined,
  languages: readonly string[],
): PickedText | undefined {
  if (typeof texts === 'string') return { text: texts, language: undefined };
  const tags = Object.keys(texts ?? {});
  for (const wanted of languages.slice(0, MAX_LANGUAGES)) {
    const tag = tagFor(wanted.toLowerCase(), tags);
    const text = tag === undefined ? undefined : texts?.[tag];
    if (text !== undefined) return { text, language: tag };
  }
  const [first] = tags;
  const text = first === undefined ? undefined : texts?.[first];
  return text === undefined ? undefined : { text, language: first };
}

/** RFC 4647, section 3.4: the range loses its last part until it is one of the tags, and single letters go with it. */
function tagFor(wanted: string, tags: readonly string[]): string | undefined {
  for (let range = wanted; range !== ''; range = withoutLast(range)) {
    const tag = tags.find((one) => one.toLowerCase() === range);
    if (tag !== undefined) return tag;
  }
  const [language] = wanted.split('-');
  return tags.find((one) => one.toLowerCase().split('-')[0] === language);
}

function withoutLast(range: string): string {
  return range.slice(0, Math.max(range.lastIndexOf('-'), 0)).replace(/-[^-]$/, '');
}
