/** When something happened, as people say it. */

const MINUTE_MS = 60_000;
const UNITS = [
  ['year', 525_600 * MINUTE_MS],
  ['month', 43_800 * MINUTE_MS],
  ['week', 10_080 * MINUTE_MS],
  ['day', 1_440 * MINUTE_MS],
  ['hour', 60 * MINUTE_MS],
  ['minute', MINUTE_MS],
] as const;

/** "5 minutes ago". A moment in the future, by a clock that is wrong, counts as now. */
export function relativeTime(atMs: number, nowMs: number, locale: string): string {
  const agoMs = nowMs - atMs;
  for (const [unit, unitMs] of UNITS) {
    if (agoMs < unitMs) continue;
    return new Intl.RelativeTimeFormat(locale).format(-Math.floor(agoMs / unitMs), unit);
  }
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(0, 'second');
}

export function absoluteTime(atMs: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' }).format(atMs);
}
