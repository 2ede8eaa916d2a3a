/** The level of this process's log: the configured one, or for a while another one. It always comes back by itself. */
import type { Logger } from 'pino';
import {
  DEFAULT_LEVEL_SECONDS,
  type LogLevel,
  type LogLevelState,
  logLevelSchema,
} from '../contract/log-level.ts';

export class LogLevelSwitch {
  readonly #log: Logger;
  readonly #configured: LogLevel;
  #changed: { readonly untilMs: number; readonly timer: NodeJS.Timeout } | undefined;

  /** The log's present level is the configured one. No child of the log MUST be kept: it would keep its level. */
  constructor(log: Logger) {
    this.#log = log;
    this.#configured = logLevelSchema.parse(log.level);
  }

  get state(): Omit<LogLevelState, 'node'> {
    const level = logLevelSchema.parse(this.#log.level);
    const until = this.#changed === undefined ? {} : { until: new Date(this.#changed.untilMs).toISOString() };
    return { level, configured: this.#configured, ...until };
  }

  /** `forMs` MUST be at most a day. One that is not in the future any more only ends what was before. */
  set(level: LogLevel, forMs: number): void {
    this.#forget();
    if (forMs <= 0) {
      this.reset();
      return;
    }
    const untilMs = Date.now() + forMs;
    const timer = setTimeout(() => this.reset(), forMs);
    timer.unref();
    this.#changed = { untilMs, timer };
    this.#become(level, new Date(untilMs).toISOString());
  }

  /** Back to the configured level. */
  reset(): void {
    this.#forget();
    this.#become(this.#configured, undefined);
  }

  /** To `debug` for the usual time, because a signal can say nothing more; or back if it is changed. */
  toggle(): void {
    if (this.#changed === undefined) this.set('debug', DEFAULT_LEVEL_SECONDS * 1_000);
    else this.reset();
  }

  /** Leaves the level as it is. */
  close(): void {
    this.#forget();
  }

  #forget(): void {
    clearTimeout(this.#changed?.timer);
    this.#changed = undefined;
  }

  #become(level: LogLevel, until: string | undefined): void {
    const before = this.#log.level;
    if (before === level && until === undefined) return;
    this.#log.level = level;
    this.#log.warn({ to: level, from: before, until }, 'the log has another level');
  }
}
