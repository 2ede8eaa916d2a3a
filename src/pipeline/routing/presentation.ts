/**
 * What routes show of an event: its display, and a severity and a category where the event names none. Also of events
 * that name their audience themselves. What cannot be filled in is left out: no notification waits for a text.
 */
import { MAX_DISPLAY_BYTES, type Omission, type shownFields } from '../../contract/display.ts';
import { categorySchema, type Event, RETRACTION_TYPE, severitySchema } from '../../contract/event.ts';
import type { Shown } from '../../contract/notification.ts';
import { inAddress, isImageAddress, isLinkAddress } from './addresses.ts';
import type { Matcher } from './pattern.ts';
import { type FillOptions, fillText, type TextTemplate } from './text-template.ts';

/** By language, in the order of the file, or one for all. */
export type TextsTemplate = TextTemplate | ReadonlyMap<string, TextTemplate>;

/** What a route says of the events that it matches. */
export interface Showing {
  readonly severity?: TextTemplate | undefined;
  readonly category?: TextTemplate | undefined;
  readonly title?: TextsTemplate | undefined;
  readonly body?: TextsTemplate | undefined;
  readonly url?: TextTemplate | undefined;
  readonly image?: TextTemplate | undefined;
}

interface Presentation extends Shown {
  /** Undefined: everything could be filled in. */
  readonly omitted: readonly Omission[] | undefined;
  /** The type of the route that gives the title; undefined when none does. */
  readonly titleRoute: string | undefined;
}

export type Presenter = (event: Event) => Presentation | undefined;

interface ShowingRoute {
  readonly type: string;
  readonly matches: Matcher;
  readonly shows: Showing;
}

/** Undefined when no route shows anything: then no event pays for it. */
export function createPresenter(
  routes: readonly (Omit<ShowingRoute, 'shows'> & { readonly shows?: Showing | undefined })[],
): Presenter | undefined {
  const showing = routes.flatMap(({ type, matches, shows }) =>
    shows === undefined ? [] : [{ type, matches, shows }],
  );
  if (showing.length === 0) return undefined;
  return (event) => {
    // Nobody sees it.
    if (event.type === RETRACTION_TYPE) return undefined;
    const matching = showing.filter(({ matches }) => matches(event.type));
    return matching.length === 0 ? undefined : new Filling(event, matching).presentation();
  };
}

interface Field extends FillOptions {
  /** @default anything is */
  readonly isAllowed?: (text: string) => boolean;
}

export const fields = {
  severity: { maxCharacters: 64, isAllowed: (text) => severityIn(text) !== undefined },
  category: { maxCharacters: 64, isAllowed: (text) => categorySchema.safeParse(text).success },
  title: { maxCharacters: 250, isCut: true },
  body: { maxCharacters: 1_000, isCut: true },
  url: { maxCharacters: 2_000, isAllowed: isLinkAddress, encode: inAddress },
  image: { maxCharacters: 2_000, isAllowed: isImageAddress, encode: inAddress },
} as const satisfies Readonly<Record<(typeof shownFields)[number], Field>>;

function severityIn(text: string | undefined): Shown['severity'] {
  return severitySchema.options.find((one) => one === text);
}

/** One event, filled in. Of several routes the first that can give a field gives it. */
class Filling {
  readonly #event: Event;
  readonly #routes: readonly ShowingRoute[];
  readonly #omitted: Omission[] = [];
  readonly #members: string[] = [];
  #roomBytes = MAX_DISPLAY_BYTES - 2;

  constructor(event: Event, routes: readonly ShowingRoute[]) {
    this.#event = event;
    this.#routes = routes;
  }

  presentation(): Presentation {
    const { severity, category } = this.#event;
    const shown = {
      severity: severity ?? severityIn(this.#one('severity')),
      category: category ?? this.#one('category'),
    };
    // In the order of their weight: what comes late may find no room.
    const titleRoute = this.#texts('title');
    for (const field of ['url', 'image'] as const) this.#one(field, (json) => this.#add(field, json));
    this.#texts('body');
    return {
      ...shown,
      displayJson: this.#members.length === 0 ? undefined : `{${this.#members.join(',')}}`,
      omitted: this.#omitted.length === 0 ? undefined : this.#omitted,
      titleRoute,
    };
  }

  /** What the first route gives that can; `add`: false when there is no room for it. */
  #one(
    field: 'severity' | 'category' | 'url' | 'image',
    add?: (json: string) => boolean,
  ): string | undefined {
    for (const { type: route, shows } of this.#routes) {
      const template = shows[field];
      if (template === undefined) continue;
      const text = this.#fill({ route, field }, template);
      if (text === undefined) continue;
      if (add === undefined || add(JSON.stringify(text))) return text;
      this.#omitted.push({ route, field, why: 'too_long' });
    }
    return undefined;
  }

  /** The type of the route that has given it. */
  #texts(field: 'title' | 'body'): string | undefined {
    for (const { type: route, shows } of this.#routes) {
      const template = shows[field];
      if (template === undefined) continue;
      const byLanguage: Iterable<readonly [string | undefined, TextTemplate]> =
        'parts' in template ? [[undefined, template]] : template;
      const found: string[] = [];
      for (const [language, one] of byLanguage) {
        const place = { route, field, language };
        const text = this.#fill(place, one);
        if (text === undefined) continue;
        const json = `${language === undefined ? '' : `"${language}":`}${JSON.stringify(text)}`;
        // Of the field's own braces and name it is enough to count once too often.
        if (this.#take(Buffer.byteLength(json) + field.length + 6)) found.push(json);
        else this.#omitted.push({ ...place, why: 'too_long' });
      }
      if (found.length === 0) continue;
      this.#members.push(`"${field}":${'parts' in template ? found[0] : `{${found.join(',')}}`}`);
      return route;
    }
    return undefined;
  }

  #fill(place: Pick<Omission, 'route' | 'field' | 'language'>, template: TextTemplate): string | undefined {
    const { isAllowed, ...options }: Field = fields[place.field];
    const filled = fillText(template, this.#event, options);
    if (!filled.ok) {
      this.#omitted.push({ ...place, why: filled.why, path: filled.path });
      return undefined;
    }
    const text = filled.text.trim();
    if (text !== '' && (isAllowed === undefined || isAllowed(text))) return text;
    this.#omitted.push({ ...place, why: text === '' ? 'missing' : 'not_allowed' });
    return undefined;
  }

  #add(field: 'url' | 'image', json: string): boolean {
    if (!this.#take(Buffer.byteLength(json) + field.length + 4)) return false;
    this.#members.push(`"${field}":${json}`);
    return true;
  }

  #take(bytes: number): boolean {
    if (bytes > this.#roomBytes) return false;
    this.#roomBytes -= bytes;
    return true;
  }
}
