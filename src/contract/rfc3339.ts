/** RFC 3339 → milliseconds. Date.parse takes other texts too, and of these neither small letters nor leap seconds. */
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Since 1970, without parts of milliseconds; NaN for what is no moment. A leap second, which is the last before midnight
 * UTC, is the moment behind it.
 */
export function momentOf(text: string): number {
  const match = RFC_3339.exec(text);
  if (match === null) return Number.NaN;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6])];
  const [zoneHour, zoneMinute] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return Number.NaN;
  if (hour > 23 || minute > 59 || second > 60 || zoneHour > 23 || zoneMinute > 59) return Number.NaN;
  const zoneMs = (zoneHour * 60 + zoneMinute) * MINUTE_MS * (match[8] === '-' ? -1 : 1);
  const minuteMs = date.getTime() + (hour * 60 + minute) * MINUTE_MS - zoneMs;
  const isLastMinute = (minuteMs + MINUTE_MS) % DAY_MS === 0;
  if (second === 60 && !isLastMinute) return Number.NaN;
  return minuteMs + second * 1_000 + Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
}
