/** HTTP for commands: which errors of `fetch` are the network's, and answers as JSON. */
import { isProgrammingError } from '../resilience/unavailable.ts';

/**
 * Why there was no answer, in words. `fetch` raises a TypeError for an outage too, and then gives its cause.
 *
 * @throws the error itself when it is a fault in the code
 */
export function fetchReasonOf(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  if (error.name === 'TimeoutError') return error.message;
  const { cause } = error;
  if (!/^(fetch failed|terminated)$/.test(error.message) || !(cause instanceof Error)) throw error;
  if (isProgrammingError(cause)) throw error;
  // A host name with several addresses fails with several errors and no message.
  return cause.message !== '' ? cause.message : 'code' in cause ? String(cause.code) : cause.name;
}

/** Undefined when the text is not JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
