/** What a routes file may say of how events are shown: `severity`, `category` and `display`, compiled, or their faults. */
import { z } from 'zod';
import { isJsonObject } from '../../contract/json.ts';
import { EVENT_ROOTS } from './placeholders.ts';
import { fields, type Showing, type TextsTemplate } from './presentation.ts';
import { compileText, constantTextOf, type TextTemplate, textTemplateFault } from './text-template.ts';

const MAX_TEMPLATE_CHARACTERS = 2_000;
const MAX_LANGUAGES = 20;

interface Faults {
  addIssue(issue: { code: 'custom'; message: string; path: string[] }): void;
}

const one = (field: keyof typeof fields, wanted: string) =>
  z
    .unknown()
    .transform((input, faults): TextTemplate | undefined => templateOf(input, field, wanted, [], faults));

const texts = (field: 'title' | 'body') =>
  z.unknown().transform((input, faults): TextsTemplate | undefined => {
    if (!isJsonObject(input)) return templateOf(input, field, 'a text, or texts by language', [], faults);
    const byLanguage = new Map<string, TextTemplate>();
    const entries = Object.entries(input);
    const tell = (message: string, ...path: string[]) => faults.addIssue({ code: 'custom', message, path });
    if (entries.length === 0) tell('must have at least one language');
    if (entries.length > MAX_LANGUAGES) tell(`must have at most ${MAX_LANGUAGES} languages`);
    for (const [written, text] of entries.slice(0, MAX_LANGUAGES)) {
      const language = canonical(written);
      if (language === undefined)
        tell(`"${written.slice(0, 40)}" is not a language tag, like en or zh-Hant`, written);
      else if (byLanguage.has(language)) tell(`"${language}" is there twice`, written);
      else {
        const template = templateOf(text, field, 'a text', [written], faults);
        if (template !== undefined) byLanguage.set(language, template);
      }
    }
    return byLanguage;
  });

const displaySchema = z.strictObject(
  {
    title: texts('title').optional(),
    body: texts('body').optional(),
    url: one('url', 'an http or https address, or a relative one').optional(),
    image: one('image', 'an https address, or a relative one').optional(),
  },
  {
    error: (issue) =>
      issue.code === 'invalid_type' ? 'must be a mapping with title, body, url or image' : undefined,
  },
);

/** Beside `type` and `audience`. */
export const showingShape = {
  severity: one('severity', 'info, success, warning or critical').optional(),
  category: one('category', '1 to 64 characters of printable ASCII without spaces').optional(),
  display: displaySchema.optional(),
};

const showingSchema = z.object(showingShape);

/** Undefined for a route that shows nothing. */
export function showingOf({
  severity,
  category,
  display,
}: z.infer<typeof showingSchema>): Showing | undefined {
  const showing = { severity, category, ...display };
  return Object.values(showing).some((template) => template !== undefined) ? showing : undefined;
}

function templateOf(
  input: unknown,
  field: keyof typeof fields,
  wanted: string,
  path: string[],
  faults: Faults,
): TextTemplate | undefined {
  if (input === undefined && path.length === 0) return undefined;
  const fault = faultOf(input, field, wanted);
  if (fault === undefined && typeof input === 'string') return compileText(input);
  faults.addIssue({ code: 'custom', message: fault ?? `must be ${wanted}`, path });
  return undefined;
}

function faultOf(input: unknown, field: keyof typeof fields, wanted: string): string | undefined {
  if (typeof input !== 'string' || input.trim() === '') return `must be ${wanted}`;
  if (input.length > MAX_TEMPLATE_CHARACTERS)
    return `must have at most ${MAX_TEMPLATE_CHARACTERS} characters`;
  const fault = textTemplateFault(input, EVENT_ROOTS);
  if (fault !== undefined) return fault;
  const rule = fields[field];
  if (!('isAllowed' in rule)) return undefined;
  const template = compileText(input);
  const constant = constantTextOf(template);
  // What begins with its own words is an address of one kind whatever is filled in.
  const isAddress = field === 'url' || field === 'image';
  const example = constant ?? (isAddress && template.parts[0] !== '' ? exampleOf(template) : undefined);
  return example === undefined || rule.isAllowed(example.trim()) ? undefined : `must be ${wanted}`;
}

function exampleOf({ parts }: TextTemplate): string {
  return parts.map((part) => (typeof part === 'string' ? part : 'x')).join('');
}

function canonical(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}
