/**
 * The only policy for what an outage made fail: it is tried again for ever, with growing pauses that differ between
 * processes. The caller decides when to stop.
 */
import pRetry from 'p-retry';
import { isUnavailable } from './unavailable.ts';

const PAUSES = { retries: Number.POSITIVE_INFINITY, minTimeout: 50, maxTimeout: 1_000, randomize: true };

export interface RetryOptions {
  /** Called after each failure. A TypeError is never retried: it is a fault in the code. @default isUnavailable */
  readonly shouldRetry?: (error: unknown) => boolean;
  /** Called once an attempt has failed; most never need a signal. When it aborts, the pause ends too. */
  readonly signal?: () => AbortSignal;
}

/**
 * Resolves once an attempt succeeds, even if the signal was aborted meanwhile: its work is done. Rejects with a
 * failure that is not retried, or with the signal's reason. The second attempt follows the first without a pause.
 */
export async function retried<T>(attempt: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { shouldRetry = isUnavailable, signal } = options;
  // The first attempt usually succeeds, and starting p-retry takes 10 µs.
  try {
    return await attempt();
  } catch (error) {
    if (!shouldRetry(error)) throw error;
  }
  const outcome: { success?: { readonly value: T } } = {};
  const again = async () => {
    const value = await attempt();
    outcome.success = { value };
    return value;
  };
  try {
    return await pRetry(again, {
      ...PAUSES,
      ...(signal === undefined ? {} : { signal: signal() }),
      shouldRetry: ({ error }) => outcome.success === undefined && shouldRetry(error),
    });
  } catch (error) {
    // p-retry rejects if the signal was aborted meanwhile, even though the attempt succeeded.
    if (outcome.success === undefined) throw error;
    return outcome.success.value;
  }
}
