/** What every part of the service is given, and reports to, so that none needs to know the others. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Route } from '../pipeline/routing/route.ts';
import type { Closers } from './closers.ts';

export interface Context {
  /** This process's name among all that share a Redis; another one after each start. */
  readonly node: string;
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly routes: readonly Route[];
  /** Whoever opens something that has to be closed tells it here. */
  readonly closers: Closers;
  /** Something that only an operator can mend; the process is of no use until then. */
  readonly onFatal: (error: Error) => void;
}

/** The largest answer: one that a client is still taking leaves room for what comes live meanwhile. */
export function answerBytes(config: Config): number {
  return Math.min(config.ANSWER_MAX_BYTES, Math.floor(config.PENDING_MAX_BYTES / 2));
}

/** What the package calls this version. */
export function ownVersion(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version }: { readonly version: string } = JSON.parse(file);
  return version;
}

/** `<hostname>-<6 random hex>`: a container may keep its name over a restart, and must not be taken for the one before. */
export function newNodeId(): string {
  return `${hostname()
    .slice(0, 64)
    .replace(/[^A-Za-z0-9._-]/g, '_')}-${randomBytes(3).toString('hex')}`;
}
