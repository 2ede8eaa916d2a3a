/** Logging: JSON lines without secrets, and the sample of events whose content is shown. */
import { createHash } from 'node:crypto';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Event } from '../contract/event.ts';

export interface LogOptions {
  readonly level: string;
  /** Paths in an event that are left out of the sample: `data.email`. */
  readonly redact: readonly string[];
  readonly destination?: DestinationStream;
}

/** Wherever these appear at the top of a log line or one level down, their values are not shown. */
const SECRETS = ['token', 'authorization', 'cookie', 'password', 'secret'];

export function createLog({ level, redact, destination }: LogOptions): Logger {
  const paths = [...SECRETS.flatMap((name) => [name, `*.${name}`]), ...redact.map((path) => `event.${path}`)];
  const options = {
    level,
    base: { service: 'carillon', pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths, censor: '[redacted]' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** A URL with its password replaced. */
export function withoutPassword(url: string): string {
  const parsed = new URL(url);
  if (parsed.password !== '') parsed.password = '***';
  return parsed.href;
}

/**
 * Whether an event's content is logged: by a hash of its identity, so that one event is shown by every process it
 * passes or by none, and a repeat is treated like the first.
 */
export function createSampler(rate: number): (event: Pick<Event, 'source' | 'id'>) => boolean {
  if (rate <= 0) return () => false;
  if (rate >= 1) return () => true;
  const threshold = rate * 2 ** 32;
  return ({ source, id }) => createHash('md5').update(`${source} ${id}`).digest().readUInt32BE(0) < threshold;
}
