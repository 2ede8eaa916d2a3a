/**
 * The one way in which something is tried again: for ever, with growing pauses that differ between processes. Whoever
 * asks decides when it ends.
 */
import pRetry from 'p-retry';
import { isUnavailable } from './unavailable.ts';

const PAUSES = { retries: Number.POSITIVE_INFINITY, minTimeout: 50, maxTimeout: 1_000, randomize: true };

export interface RetryOptions {
  /** Asked after each failure. A TypeError is never tried again: it is a fault of ours. @default isUnavailable */
  readonly shouldRetry?: (error: unknown) => boolean;
  /** Asked for once an attempt has failed: most never need one. Aborted, it ends the pauses too. */
  readonly signal?: () => AbortSignal;
}

/**
 * Resolves once an attempt succeeds, also one that ends after the signal was aborted: what it did is done. Rejects with
 * the failure that is not tried again, or with the signal's reason. The second attempt follows the first at once.
 */
export async function retried<T>(attempt: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { shouldRetry = isUnavailable, signal } = options;
  // Mostly it succeeds, and p-retry takes 10 µs to begin.
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
    // p-retry rejects when the signal was aborted meanwhile, although the attempt succeeded.
    if (outcome.success === undefined) throw error;
    return outcome.success.value;
  }
}
