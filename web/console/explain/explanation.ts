/** The answer of `/admin/explain`: a verdict, and the steps that led to it. */
import { isJsonObject, type JsonObject, textAt } from '../json-object.ts';

export interface Step {
  /** Undefined where nobody has noted when. */
  readonly atMs: number | undefined;
  readonly what: string;
  readonly detail: string;
}

export interface Explanation {
  readonly event: string;
  readonly source: string | undefined;
  readonly user: string;
  readonly verdict: string;
  /** The verdict in words. */
  readonly message: string;
  /** What a bell shows; undefined when no log that was looked into holds it. */
  readonly title: { readonly text: string; readonly language: string | undefined } | undefined;
  /** In the order of the event's way. */
  readonly steps: readonly Step[];
}

export function readExplanation(body: JsonObject): Explanation {
  const event = isJsonObject(body.event) ? body.event : {};
  const title = isJsonObject(body.title) ? body.title : {};
  const text = textAt(title, 'text');
  const steps = Array.isArray(body.steps) ? body.steps.filter(isJsonObject) : [];
  return {
    event: textAt(event, 'id') ?? '',
    source: textAt(event, 'source'),
    user: textAt(body, 'user') ?? '',
    verdict: textAt(body, 'verdict') ?? 'unknown',
    message: textAt(body, 'message') ?? '',
    title: text === undefined ? undefined : { text, language: textAt(title, 'language') },
    steps: steps.map((step) => ({
      atMs: momentAt(step),
      what: textAt(step, 'what') ?? 'unknown',
      detail: textAt(step, 'detail') ?? '',
    })),
  };
}

function momentAt(step: JsonObject): number | undefined {
  const ms = Date.parse(textAt(step, 'at') ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
