/**
 * Logs for operators which claims are left out. The same tokens come again and again, so each finding is logged once in a
 * while, and all of them together seldom enough that no client can fill the log by coming again.
 */
import type { Logger } from 'pino';
import type { Skipped } from './claims.ts';

/** The same is logged again after this time. */
const REPEAT_MS = 600_000;
/** Lines in a minute, whatever there is to log. */
const [MAX_LINES, LINES_MS] = [30, 60_000];
/** Findings that are remembered. */
const MAX_KNOWN = 1_000;
/** Of one finding. */
const [MAX_VALUES, MAX_VALUE_LENGTH] = [10, 64];

export class SkippedClaims {
  readonly #log: Pick<Logger, 'warn'>;
  readonly #now: () => number;
  /** When each was logged last, the oldest first. */
  readonly #known = new Map<string, number>();
  #beganMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #suppressed = 0;

  /** `now`: @default this machine's monotonic clock */
  constructor(log: Pick<Logger, 'warn'>, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  tell(user: string, skipped: readonly Skipped[]): void {
    const nowMs = this.#now();
    const values = skipped.slice(0, MAX_VALUES).map(({ claim, value }) => `${claim}: ${shown(value)}`);
    const finding = `${skipped.length} ${values.join()}`;
    if (nowMs - (this.#known.get(finding) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    if (nowMs - this.#beganMs >= LINES_MS) {
      this.#beganMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines >= MAX_LINES) {
      this.#suppressed += 1;
      return;
    }
    this.#lines += 1;
    this.#remember(finding, nowMs);
    const why = [...new Set(skipped.map(({ why }) => why))].slice(0, MAX_VALUES);
    const suppressed = this.#suppressed === 0 ? {} : { suppressed: this.#suppressed };
    this.#suppressed = 0;
    this.#log.warn(
      { user, skipped: values, count: skipped.length, why, ...suppressed },
      'claims of a token skipped',
    );
  }

  #remember(finding: string, nowMs: number): void {
    this.#known.delete(finding);
    this.#known.set(finding, nowMs);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH).toWellFormed()}…` : text;
}
