/** Logging: JSON lines without secrets, and the sample of events whose content is shown. */
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Event } from '../contract/event.ts';
import type { JsonObject } from '../contract/json.ts';
import { visible } from '../contract/visible.ts';
import { standardOutput } from './log-output.ts';

export interface LogOptions {
  readonly level: string;
  /** Paths in an event that the sample leaves out: `data.email`. */
  readonly redact: readonly string[];
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

/** The values of these keys are not shown, at the top level of a log line and one level down. */
const SECRETS = ['token', 'authorization', 'cookie', 'password', 'secret'];

const CENSOR = '[redacted]';

function pathsOf(redact: readonly string[]): string[] {
  return [
    ...SECRETS.flatMap((name) => [name, `*.${name}`]),
    // A path cannot select a part of bytes, so they could hold what must not be shown.
    'event.data_base64',
    ...redact.map((path) => `event.${path}`),
  ];
}

export function createLog({ level, redact, destination }: LogOptions): Logger {
  const paths = pathsOf(redact);
  const options = {
    level,
    base: { service: 'carillon', pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths, censor: CENSOR },
    formatters: { level: (label: string) => ({ level: label }) },
    // JSON does not escape U+007F to U+009F, which terminals obey.
    hooks: { streamWrite: visible },
  };
  const output =
    destination ??
    standardOutput((lines) =>
      log.error({ lines }, 'log lines before this one were lost: they could not be written'),
    );
  const log = pino(options, output);
  return log;
}

/** An event as JSON text with the log's redaction. Both use the same code, so a path means the same in both. */
export function createRedactor(redact: readonly string[]): (event: JsonObject) => string {
  let line = '';
  const destination = {
    write: (text: string) => {
      line = text;
    },
  };
  const options = { base: null, timestamp: false, redact: { paths: pathsOf(redact), censor: CENSOR } };
  const log = pino(options, destination);
  return (event) => {
    log.info({ event });
    const written: { readonly event?: unknown } = JSON.parse(line);
    return JSON.stringify(written.event);
  };
}

/** A URL with its password replaced and without its query, where ioredis accepts a password too. */
export function withoutPassword(url: string): string {
  const parsed = new URL(url);
  if (parsed.password !== '') parsed.password = '***';
  parsed.search = '';
  return parsed.href;
}

/**
 * Whether an event's content is logged. A hash of its identity decides, so that every process logs the event or none
 * does, and a repeat is treated like the first.
 */
export function createSampler(rate: number): (event: Pick<Event, 'source' | 'id'>) => boolean {
  if (rate <= 0) return () => false;
  if (rate >= 1) return () => true;
  const threshold = rate * 2 ** 32;
  return ({ source, id }) => hashOf(id, hashOf(source, FNV_OFFSET)) < threshold;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * FNV-1a with the final mixing steps of MurmurHash3, so that ids that differ only in the last digit spread evenly.
 */
function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
