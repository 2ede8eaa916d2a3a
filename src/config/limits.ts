/**
 * Pairs of limits of which one cannot be reached, or does harm, as long as the other is what it is. The defaults fit, and
 * a test says so. A pair that does not is reported at the start and by `carillon doctor`; it keeps no process from starting,
 * because it began with the same values before.
 */

/** What the limits are of. The variables' own names, so that a Config is one. */
export interface Limits {
  readonly EVENT_MAX_BYTES: number;
  readonly EVENT_MAX_AUDIENCES: number;
  readonly PENDING_MAX_BYTES: number;
  readonly PENDING_TOTAL_MAX_BYTES: number;
  readonly ANSWER_MAX_BYTES: number;
  readonly SYNC_LIMIT: number;
  readonly INBOX_MAX_LENGTH: Readonly<Record<string, number>>;
  readonly INBOX_MAX_AGE: Readonly<Record<string, number>>;
  readonly UNREACHED_AFTER: number;
  readonly CLIENT_MESSAGES_PER_SECOND: number;
  readonly CLIENT_MESSAGES_BURST: number;
  readonly DRAIN_SECONDS: number;
  readonly SHUTDOWN_TIMEOUT: number;
}

/** `"user:12345678901",` in an event that names its audiences itself. */
const BYTES_PER_AUDIENCE = 20;

/** Each as a sentence with both names and what follows. */
export function limitsThatDoNotFit(limits: Limits): readonly string[] {
  const most = (kinds: Readonly<Record<string, number>>) => Math.max(...Object.values(kinds));
  const named = Math.floor(limits.EVENT_MAX_BYTES / BYTES_PER_AUDIENCE);
  const pairs: readonly (readonly [boolean, string])[] = [
    [
      limits.EVENT_MAX_AUDIENCES <= named,
      `EVENT_MAX_AUDIENCES ${limits.EVENT_MAX_AUDIENCES}: an event of EVENT_MAX_BYTES ${limits.EVENT_MAX_BYTES} has room to name about ${named}; only routes can reach more`,
    ],
    [
      2 * limits.EVENT_MAX_BYTES <= limits.PENDING_MAX_BYTES,
      `EVENT_MAX_BYTES ${limits.EVENT_MAX_BYTES}: two events of that size are more than PENDING_MAX_BYTES ${limits.PENDING_MAX_BYTES} lets wait, and cut clients off as slow`,
    ],
    [
      limits.EVENT_MAX_BYTES <= Math.min(limits.ANSWER_MAX_BYTES, limits.PENDING_MAX_BYTES / 2),
      `EVENT_MAX_BYTES ${limits.EVENT_MAX_BYTES}: larger than an answer (ANSWER_MAX_BYTES, half of PENDING_MAX_BYTES), so that catching up takes one answer for each`,
    ],
    [
      limits.PENDING_MAX_BYTES <= limits.PENDING_TOTAL_MAX_BYTES,
      `PENDING_MAX_BYTES ${limits.PENDING_MAX_BYTES}: PENDING_TOTAL_MAX_BYTES ${limits.PENDING_TOTAL_MAX_BYTES} of all clients comes first`,
    ],
    [
      limits.ANSWER_MAX_BYTES <= limits.PENDING_MAX_BYTES / 2,
      `ANSWER_MAX_BYTES ${limits.ANSWER_MAX_BYTES}: only half of PENDING_MAX_BYTES ${limits.PENDING_MAX_BYTES} counts`,
    ],
    [
      limits.SYNC_LIMIT <= most(limits.INBOX_MAX_LENGTH),
      `SYNC_LIMIT ${limits.SYNC_LIMIT}: no log keeps more than INBOX_MAX_LENGTH ${most(limits.INBOX_MAX_LENGTH)}`,
    ],
    [
      limits.UNREACHED_AFTER < (limits.INBOX_MAX_AGE.user ?? most(limits.INBOX_MAX_AGE)),
      `UNREACHED_AFTER ${limits.UNREACHED_AFTER}: by then a notification of a user is older than INBOX_MAX_AGE and gone`,
    ],
    [
      limits.CLIENT_MESSAGES_PER_SECOND <= limits.CLIENT_MESSAGES_BURST,
      `CLIENT_MESSAGES_PER_SECOND ${limits.CLIENT_MESSAGES_PER_SECOND}: CLIENT_MESSAGES_BURST ${limits.CLIENT_MESSAGES_BURST} at once is less than a second's worth`,
    ],
    [
      limits.DRAIN_SECONDS <= limits.SHUTDOWN_TIMEOUT / 2,
      `DRAIN_SECONDS ${limits.DRAIN_SECONDS}: at most half of SHUTDOWN_TIMEOUT ${limits.SHUTDOWN_TIMEOUT} counts`,
    ],
  ];
  return pairs.filter(([fits]) => !fits).map(([, message]) => message);
}
