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

/** True unless it says `false`. */
export const truthByDefault = z
  .enum(['true', 'false', ''], 'must be true or false')
  .default('true')
  .transform((value) => value !== 'false');

export const number = (fallback: number, min: number, max: number) =>
  z
    .string()
    .optional()
    .transform((value, context) => {
      if (value === undefined || value === '') return fallback;
      // Number() takes blanks for 0, and 0x50 for 80.
      const parsed = /^\s*-?(\d+\.?\d*|\.\d+)(e\d+)?\s*$/i.test(value) ? Number(value) : Number.NaN;
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

/** `1000,topic=100`: a number for all kinds of audience, and others for some, in any order. */
export const perKind = (fallback: number, max: number) =>
  text.transform((value, context) => {
    const given = new Map<string, number>();
    for (const part of listOf(value ?? '')) {
      const [, kind = 'all', digits] = /^(?:(user|department|topic|global)=)?(\d{1,9})$/.exec(part) ?? [];
      const number = Number(digits);
      if (!(number >= 1 && number <= max)) {
        context.addIssue(`must be a number from 1 to ${max}, or kind=number, not ${JSON.stringify(part)}`);
      } else if (given.has(kind)) {
        context.addIssue(`says twice what holds for ${kind === 'all' ? 'all kinds' : kind}`);
      }
      given.set(kind, number);
    }
    const of = (kind: string) => given.get(kind) ?? given.get('all') ?? fallback;
    return { user: of('user'), department: of('department'), topic: of('topic'), global: of('global') };
  });

/** `faultIn`: what is wrong with the text, in words that do not repeat it; undefined: nothing. */
export const address = (faultIn: (value: string) => string | undefined) =>
  text.superRefine((value, context) => {
    const fault = value === undefined ? undefined : faultIn(value);
    if (fault !== undefined) context.addIssue(fault);
  });

export const areProxies = (values: readonly string[]) => {
  // Elsewhere a number says how many proxies there are; here it would be an address: 1 is 0.0.0.1.
  if (values.some((value) => /^[\dxa-f]*(\/\d*)?$/i.test(value))) return false;
  try {
    proxyAddr.compile([...values]);
    return true;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return false;
  }
};
