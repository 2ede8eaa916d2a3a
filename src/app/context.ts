/** What every part of the service needs, and where it reports, so that parts need not know each other. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Routing } from '../pipeline/routing/routing.ts';
import type { MessageReader } from '../pipeline/sources/message-reader.ts';
import type { Source } from '../pipeline/sources/source.ts';
import type { Closers } from './closers.ts';

export interface Context {
  /** This process's name among all that share a Redis; a new one after each start. */
  readonly node: string;
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly routing: Routing;
  /** Those of the start, which may change; undefined without SOURCES_FILE. */
  readonly sources: readonly Source[] | undefined;
  /** Knows them as they stand now. */
  readonly reader: MessageReader;
  /** Code that opens something MUST add its closer here. */
  readonly closers: Closers;
  /** Reports a fault that only an operator can mend. The process is useless until then. */
  readonly onFatal: (error: Error) => void;
}

/** The size of the largest answer. While a client reads it, there must be room for live messages too. */
export function answerBytes(config: Config): number {
  return Math.min(config.ANSWER_MAX_BYTES, Math.floor(config.PENDING_MAX_BYTES / 2));
}

/** The version in package.json. */
export function ownVersion(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version }: { readonly version: string } = JSON.parse(file);
  return version;
}

/**
 * `<hostname>-<6 random hex>`: a container may keep its host name over a restart, and must not be taken for its
 * predecessor.
 */
export function newNodeId(): string {
  return `${hostname()
    .slice(0, 64)
    .replace(/[^A-Za-z0-9._-]/g, '_')}-${randomBytes(3).toString('hex')}`;
}
