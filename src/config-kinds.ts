/** Kinds of environment variables: text → numbers, lists, URLs, or the fault in words. */
import proxyAddr from '@fastify/proxy-addr';
import { z } from 'zod';

/** An empty variable is one that is not set: compose files and CI systems produce them. */
export const unsetWhenEmpty = (value: unknown) => (value === '' ? undefined : value);

export const text = z.preprocess(unsetWhenEmpty, z.string().optional());

/** False unless it says `true`. */
export const truth = z
  .enum(['true', 'false', ''], 'must be true or false')
  .default('false')
  .transform((value) => value === 'true');

export const number = (fallback: number, min: number, max: number) =>
  z
    .string()
    .optional()
    .transform((value, context) => {
      if (value === undefined || value === '') return fallback;
      const parsed = Number(value);
      if (Number.isFinite(parsed) && parsed >= min && parsed <= max) return parsed;
      context.addIssue(`must be a number from ${min} to ${max}, not ${JSON.stringify(value)}`);
      return z.NEVER;
    });

export const integer = (fallback: number, min: number, max: number) =>
  number(fallback, min, max).refine(Number.isInteger, 'must be a whole number');

/** Undefined when it is not set. */
export const optionalInteger = (min: number, max: number) =>
  text.transform((value, context) => {
    if (value === undefined) return undefined;
    const parsed = Number(value);
    if (Number.isInteger(parsed) && parsed >= min && parsed <= max) return parsed;
    context.addIssue(`must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}`);
    return z.NEVER;
  });

export const listOf = (value: string) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

export const list = (fallback: string) => text.transform((value) => [...new Set(listOf(value ?? fallback))]);

/** `1000,topic=100`: a number for all kinds of audience, and others for some. */
export const perKind = (fallback: number, max: number) =>
  text.transform((value, context) => {
    const numbers = { user: fallback, department: fallback, topic: fallback, global: fallback };
    for (const part of listOf(value ?? '')) {
      const [, kind, digits] = /^(?:(user|department|topic|global)=)?(\d{1,9})$/.exec(part) ?? [];
      const number = Number(digits);
      if (!(number >= 1 && number <= max)) {
        context.addIssue(`must be a number from 1 to ${max}, or kind=number, not ${JSON.stringify(part)}`);
      }
      const kinds = kind === undefined ? Object.keys(numbers) : [kind];
      Object.assign(numbers, Object.fromEntries(kinds.map((name) => [name, number])));
    }
    return numbers;
  });

export const url = (...protocols: string[]) =>
  text
    .refine(
      (value) => value === undefined || (URL.canParse(value) && protocols.includes(new URL(value).protocol)),
      `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    )
    .refine(
      (value) => value === undefined || !URL.canParse(value) || hasReadableUser(new URL(value)),
      'user name and password must be percent-encoded UTF-8',
    );

const hasReadableUser = ({ username, password }: URL) => {
  try {
    decodeURIComponent(`${username}${password}`);
    return true;
  } catch {
    return false;
  }
};

export const areProxies = (values: readonly string[]) => {
  try {
    proxyAddr.compile([...values]);
    return true;
  } catch {
    return false;
  }
};
