/** What every part of the service is given, and reports to, so that none needs to know the others. */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Metrics } from '../ops/metrics.ts';
import type { Route } from '../routing/route.ts';

export interface Context {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly routes: readonly Route[];
  /** Something that only an operator can mend; the process is of no use until then. */
  readonly onFatal: (error: Error) => void;
}
