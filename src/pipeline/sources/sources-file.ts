/** Reads SOURCES_FILE: YAML to sources, or every fault in it with its line. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { compilePattern } from '../routing/pattern.ts';
import { compileTemplate, templateFault } from '../routing/template.ts';
import { compileText } from '../routing/text-template.ts';
import { FileError, parseYamlFile } from '../yaml-file.ts';
import { compileData, dataFaults } from './data-template.ts';
import { ENVELOPES, openByContent } from './envelopes/envelopes.ts';
import {
  type Alternatives,
  ATTRIBUTES,
  type AttributeName,
  attributeFault,
  type EventTemplate,
} from './event-template.ts';
import { MESSAGE_ROOTS } from './message-scope.ts';
import type { Source } from './source.ts';

/** Of a name and of a key in AMQP. */
const MAX_SHORT_BYTES = 255;

const isShort = (text: string) => Buffer.byteLength(text) <= MAX_SHORT_BYTES;

const nameSchema = (what: string) =>
  z
    .string(`must be the name of ${what}`)
    .min(1, `must be the name of ${what}`)
    .refine(isShort, `must be at most ${MAX_SHORT_BYTES} bytes`)
    .refine((name) => !name.startsWith('carillon.'), "is Carillon's own: its events need no source");

const keySchema = z
  .string('must be a text: a key pattern, like order.*')
  .refine(isShort, `must be at most ${MAX_SHORT_BYTES} bytes`)
  .refine(
    (key) => key.split('.').every((word) => !/[*#]/.test(word) || word.length === 1),
    'is no key pattern: * and # stand for whole words between dots, like order.* or invoice.#',
  );

/** One text, or a list of them. `faultOf`: what is wrong with one, in words; undefined: nothing. */
function textsSchema<T>(
  isText: (value: unknown) => value is T,
  what: string,
  faultOf: (text: T) => string | undefined,
) {
  return z
    .unknown()
    .superRefine((value, context) => {
      const isList = Array.isArray(value);
      const all: unknown[] = isList ? value : [value];
      if (all.length === 0) context.addIssue(`must be ${what}, or a list with at least one`);
      for (const [i, one] of all.entries()) {
        const message = isText(one) ? faultOf(one) : `must be ${what}`;
        if (message !== undefined) context.addIssue({ code: 'custom', path: isList ? [i] : [], message });
      }
    })
    .transform((value): T[] => (Array.isArray(value) ? value : [value]).filter(isText))
    .optional();
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);

const attributeSchema = (name: AttributeName) =>
  textsSchema(isTextOrNull, 'text', (text) => attributeFault(name, text));

const audienceSchema = textsSchema(isText, 'an audience', (text) => templateFault(text, MESSAGE_ROOTS));

const dataSchema = z
  .unknown()
  .superRefine((value, context) => {
    for (const { path, message } of dataFaults(value))
      context.addIssue({ code: 'custom', path: [...path], message });
  })
  .optional();

const eventSchema = z.strictObject(
  {
    id: attributeSchema('id'),
    source: attributeSchema('source'),
    type: attributeSchema('type'),
    time: attributeSchema('time'),
    subject: attributeSchema('subject'),
    severity: attributeSchema('severity'),
    collapsekey: attributeSchema('collapsekey'),
    expirytime: attributeSchema('expirytime'),
    audience: audienceSchema,
    data: dataSchema,
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping of templates' : undefined) },
);

const names = Object.keys(ENVELOPES);

const isEnvelope = (name: string): name is keyof typeof ENVELOPES => Object.hasOwn(ENVELOPES, name);

const sourceSchema = z
  .strictObject(
    {
      exchange: nameSchema('an exchange').optional(),
      queue: nameSchema('a queue').optional(),
      keys: z
        .array(keySchema, 'must be a list of key patterns')
        .min(1, 'must name at least one key')
        .optional(),
      envelope: z
        .string()
        .refine(isEnvelope, `must be one of ${names.join(', ')}`)
        .optional(),
      event: eventSchema.optional(),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping' : undefined) },
  )
  .superRefine(({ exchange, queue, keys }, context) => {
    if ((exchange === undefined) === (queue === undefined))
      context.addIssue('must name an exchange or a queue, one of them');
    if (queue !== undefined && keys !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['keys'],
        message: 'are for an exchange: a queue is consumed as it is',
      });
  });

const sourcesFileSchema = z.strictObject(
  {
    sources: z.array(sourceSchema, 'must be a list of sources').superRefine((sources, context) => {
      for (const [i, source] of sources.entries()) {
        const before = sources.slice(0, i).findIndex((one) => takesAllOf(one, source));
        if (before === -1) continue;
        const message = `is never asked: sources[${before}] takes all of it`;
        context.addIssue({ code: 'custom', path: [i], message });
      }
    }),
  },
  {
    error: (issue) =>
      issue.code === 'invalid_type' ? 'must be a mapping with the key "sources"' : undefined,
  },
);

type SourceText = z.infer<typeof sourceSchema>;

function takesAllOf(one: SourceText, other: SourceText): boolean {
  if (other.queue !== undefined) return one.queue === other.queue;
  if (one.exchange === undefined || one.exchange !== other.exchange) return false;
  const keys = one.keys ?? ['#'];
  return keys.includes('#') || (other.keys ?? ['#']).every((key) => keys.includes(key));
}

/** `code` is stable. */
export class SourcesError extends FileError {
  readonly code = 'invalid_sources';

  constructor(faults: readonly string[]) {
    super('the sources have', faults);
  }
}

/**
 * The sources of `SOURCES_FILE`; undefined without one.
 *
 * @throws {SourcesError} when it is malformed, and the system's error when it cannot be read
 */
export function readSources(file: string | undefined): readonly Source[] | undefined {
  return file === undefined ? undefined : parseSources(readFileSync(file, 'utf8'), file);
}

/** @throws {SourcesError} when the text is not YAML or not sources; `fileName` is only for its messages */
export function parseSources(text: string, fileName: string): Source[] {
  const { sources } = parseYamlFile(text, fileName, sourcesFileSchema, (faults) => new SourcesError(faults));
  return sources.map(compileSource);
}

function compileSource({ exchange, queue, keys = ['#'], envelope, event = {} }: SourceText): Source {
  const open = envelope === undefined ? openByContent : ENVELOPES[envelope];
  const form = { envelope, open, event: compileEvent(event) };
  if (queue !== undefined) return { ...form, queue };
  const matchers = keys.map(compilePattern);
  const matches = (key: string) => matchers.some((matcher) => matcher(key));
  return { ...form, exchange: exchange ?? '', keys, matches };
}

function compileEvent(event: z.infer<typeof eventSchema>): EventTemplate {
  const attributes = new Map<AttributeName, Alternatives>();
  for (const name of attributeNames()) {
    const texts = event[name];
    if (texts === undefined) continue;
    attributes.set(
      name,
      texts.map((text) => (text === null ? null : compileText(text))),
    );
  }
  return {
    attributes,
    audience: event.audience?.map(compileTemplate),
    data: event.data === undefined ? undefined : compileData(event.data),
  };
}

function attributeNames(): AttributeName[] {
  const isName = (name: string): name is AttributeName => Object.hasOwn(ATTRIBUTES, name);
  return Object.keys(ATTRIBUTES).filter(isName);
}
