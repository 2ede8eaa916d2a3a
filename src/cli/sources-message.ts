/** The message that `carillon sources try` is asked about: described as a whole, or a body with the rest in options. */
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { isJsonObject } from '../contract/json.ts';
import { memberText } from '../contract/json-text.ts';
import type { Arrival, Origin } from '../pipeline/sources/arrival.ts';
import { PROPERTIES } from '../pipeline/sources/message-scope.ts';
import type { Source } from '../pipeline/sources/source.ts';
import { Failure } from './failure.ts';

export interface Described {
  readonly exchange?: string;
  readonly queue?: string;
  readonly key?: string;
  readonly property?: Readonly<Record<string, string>>;
  readonly header?: Readonly<Record<string, string>>;
}

const messageSchema = z.strictObject({
  exchange: z.string().optional(),
  queue: z.string().optional(),
  routingKey: z.string().optional(),
  properties: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  headers: z.record(z.string(), z.unknown()).optional(),
  body: z.unknown(),
});

/** `name=value`, collected. */
export function pair(
  value: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = value.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be like name=value.');
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
}

/** @throws {Failure} */
export function messageFrom(input: Buffer, options: Described, sources: readonly Source[]): Arrival {
  const described = describedIn(input);
  const content = described === undefined ? input : bodyIn(input, described.body);
  const properties = propertiesIn({ ...described?.properties, ...options.property });
  const headers = { ...described?.headers, ...options.header };
  return {
    content,
    fields: { routingKey: options.key ?? described?.routingKey ?? '' },
    properties: { ...properties, headers },
    origin: originOf(options.exchange ?? described?.exchange, options.queue ?? described?.queue, sources),
  };
}

/** Undefined when the input is a body alone. */
function describedIn(input: Buffer): z.infer<typeof messageSchema> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(input.toString());
  } catch {
    return undefined;
  }
  const isDescribed =
    isJsonObject(value) && Object.hasOwn(value, 'body') && messageSchema.safeParse(value).success;
  return isDescribed ? messageSchema.parse(value) : undefined;
}

/** As it was written; a text that stands for itself is one. */
function bodyIn(input: Buffer, body: unknown): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from(memberText(input.toString(), 'body') ?? '');
}

const NUMBERS = ['timestamp', 'priority'];

function propertiesIn(given: Readonly<Record<string, string | number>>) {
  const names: readonly string[] = [...PROPERTIES, 'contentEncoding'];
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw Failure.wrongUsage(`"${unknown}" is no property of a message: ${names.join(', ')}`);
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, NUMBERS.includes(name) ? Number(value) : value]),
  );
}

/** Where there is only one source, it came from there. */
function originOf(
  exchange: string | undefined,
  queue: string | undefined,
  sources: readonly Source[],
): Origin {
  if (queue !== undefined) return { exchange: exchange ?? '', queue };
  if (exchange !== undefined) return { exchange };
  const [only, ...others] = sources;
  if (only === undefined || others.length > 0)
    throw Failure.wrongUsage('say where the message is from: --exchange or --queue');
  return 'queue' in only ? { exchange: '', queue: only.queue } : { exchange: only.exchange };
}
