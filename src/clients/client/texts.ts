/** What of a notification is shown: its route's display, else what its data says, else its type in words. */
import { pickText } from '../../contract/languages.ts';
import { type Shown, titleOf } from '../../contract/title.ts';

export interface Texts {
  /** Never empty. */
  readonly title: string;
  /** The title's language as a BCP 47 tag; undefined when it is not known. */
  readonly titleLanguage: string | undefined;
  /** Empty when there is none. */
  readonly body: string;
  readonly bodyLanguage: string | undefined;
  /** As the route or the producer wrote it: whoever follows one of a producer's MUST look at its scheme before. */
  readonly url: string | undefined;
  /** Of https or relative: only routes give one. */
  readonly image: string | undefined;
}

/** In the first of the languages that there is, for each text. */
export function textsIn(shown: Shown, languages: readonly string[]): Texts {
  const { data = {}, display = {} } = shown;
  const title = titleOf(shown, languages);
  const body = pickText(display.body, languages);
  return {
    title: title.text,
    titleLanguage: title.language,
    body: body?.text ?? stringOrEmpty(data.body),
    bodyLanguage: body?.language,
    url: display.url ?? (stringOrEmpty(data.url) || undefined),
    image: display.image,
  };
}

function stringOrEmpty(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
