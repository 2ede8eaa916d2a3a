/** Moments as a field of date and time has them, in this machine's zone, and as the service takes them. */

/** To the second, for a field; empty for what is no moment. */
export function localTime(moment: string): string {
  const ms = Date.parse(moment);
  if (Number.isNaN(ms)) return '';
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** RFC 3339; empty for what is no moment. */
export function momentFrom(local: string): string {
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString();
}
