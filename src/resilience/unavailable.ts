/**
 * Recognises failures of something that Carillon needs and that is away: RabbitMQ, Redis, the keys of tokens, or this
 * process while it stops. The caller may try again. Every other error is a fault in the code. It MUST NOT be answered
 * as an outage, which nobody would investigate, and its stack belongs in the log.
 */

/** Codes of our own errors. This module must not import other modules' classes, but it can list their codes. */
const OWN_CODES: readonly unknown[] = [
  'inbox_unavailable',
  'broker_unavailable',
  'dead_letters_busy',
  'shutting_down',
  'timed_out',
  'unavailable',
];

/** Something that was awaited does not come, or is gone. */
export class Unavailable extends Error {
  readonly code = 'unavailable';
}

/** RabbitMQ is away, or does not answer. */
export class BrokerUnavailable extends Error {
  readonly code = 'broker_unavailable';
}

/** The store is away, overloaded or refuses to write. Never the event's fault. */
export class InboxUnavailable extends Error {
  readonly code = 'inbox_unavailable';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** Codes of the system's network errors. */
const SYSTEM_CODES = /^(E(CONN|HOST|NET|PIPE|TIMEDOUT|NOTFOUND|AI_)|UND_ERR_|CERT_|ERR_(TLS|SSL)_)/;

/** Errors of the Redis driver, which gives most of them no code. */
const DRIVER_NAMES: readonly string[] = ['AbortError', 'ClusterAllFailedError', 'MaxRetriesPerRequestError'];
const DRIVER_MESSAGES =
  /^(Connection is closed|Stream isn't writeable|Cluster (isn't ready|is disconnect|is ended)|Node is disconnected|None of startup nodes|Command timed out|Socket timeout|Failed to refresh slots cache|Too many Cluster redirections|connect ETIMEDOUT)/;

/**
 * Redis begins an error with a code when it is away, full, loading, read-only or protected; `ERR` is everything else.
 */
const REPLY_CODE = /^(?!ERR\b)[A-Z]+ /;
const KNOWN_ERR =
  /can't (run this command|access at least one of the)|ACL failure in script|unknown (redis )?command|max number of clients|DB index|SELECT is not allowed|Script killed/i;

/** Errors that the language itself raises. */
const LANGUAGE_ERRORS = [TypeError, RangeError, ReferenceError, SyntaxError, URIError];

/** A fault in the code, whatever the message says. */
export function isProgrammingError(error: unknown): boolean {
  return LANGUAGE_ERRORS.some((kind) => error instanceof kind);
}

export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error) || isProgrammingError(error)) return false;
  const { name, message } = error;
  if (name === 'ReplyError') return REPLY_CODE.test(message) || KNOWN_ERR.test(message);
  const code = 'code' in error ? error.code : undefined;
  if (OWN_CODES.includes(code) || (typeof code === 'string' && SYSTEM_CODES.test(code))) return true;
  return DRIVER_NAMES.includes(name) || DRIVER_MESSAGES.test(message);
}

/** What a log line holds for an error that is not an outage. */
export function faultOf(error: unknown) {
  return { code: 'internal', reason: String(error), stack: stackOf(error) } as const;
}

/** The stack, and that of what caused it. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { stack = String(error), cause } = error;
  return cause instanceof Error ? `${stack}\ncaused by ${cause.stack ?? String(cause)}` : stack;
}
