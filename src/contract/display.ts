/** What is shown of a notification, as its route says it: texts, perhaps in several languages, and addresses. */
import { z } from 'zod';

/** Of one `display` as JSON in UTF-8. It stands in every log that the event goes to. */
export const MAX_DISPLAY_BYTES = 8_192;

const textsSchema = z
  .union([z.string(), z.record(z.string(), z.string())])
  .describe('One text, or texts by language (BCP 47 tags, at least one) in the order of the route.');

export const displaySchema = z
  .object({
    title: textsSchema.optional(),
    body: textsSchema.optional(),
    url: z.string().optional().describe('Where it leads: http, https or relative.'),
    image: z.string().optional().describe('The address of a picture: https or relative.'),
  })
  .meta({
    id: 'Display',
    description: 'What a route shows of the event, at most 8 KB. It is all text: none of it is HTML.',
  });

export type Display = Readonly<z.infer<typeof displaySchema>>;

/** By language, or one for all. */
export type DisplayTexts = NonNullable<Display['title']>;

/** The title that a bell shows, and who gave it. */
export const titleSchema = z.object({
  text: z.string(),
  language: z.string().optional().describe('Its BCP 47 tag, where there are several.'),
  from: z
    .enum(['route', 'data', 'type'])
    .describe("The display of a route, `data.title`, or the words of the event's type."),
  route: z.string().optional().describe('The type of the route that gave it, where that is known.'),
});

/** What a route may say of an event. */
export const shownFields = ['severity', 'category', 'title', 'body', 'url', 'image'] as const;
export const omissionReasons = ['missing', 'too_long', 'not_allowed'] as const;

/** A field, or one of its languages, that a route could not give. */
export interface Omission {
  /** The type of the route. */
  readonly route: string;
  readonly field: (typeof shownFields)[number];
  readonly language?: string | undefined;
  /** `missing`: the event has no text there. `not_allowed`: what it has may not stand there. */
  readonly why: (typeof omissionReasons)[number];
  /** Where in the event; undefined: all of it together. */
  readonly path?: string | undefined;
}
